#include <nlohmann/json.hpp>

#include "cli/contexts_listen.h"
#include "cli/named_path.h"
#include "cli/usage_error.h"
#include "cli/verb.h"
#include "otoscope/contexts/factorial.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"
#include "otoscope/steer/recipe.h"
#include "otoscope/store/corpora.h"

namespace otoscope::cli {
namespace {

class Contexts : public VerbWith<ContextsVerbOptions> {
 public:
  std::string usage() const override { return "[make]"; }
  std::string example() const override {
    return "contexts make --data prompts --transform telephone --out runs/telephone";
  }
  std::pair<int, int> positional() const override { return {0, 1}; }

  int run(const Context& context) override {
    if (context.arguments.empty()) return compare(context);
    if (context.arguments[0] != "make") return wrong_usage("contexts", usage(), context.arguments);
    return make(context);
  }

 private:
  int make(const Context& context) {
    if (options_.data.size() != 1)
      throw UserError("--data", "expected one manifest or fetched corpus, got " +
                                    std::to_string(options_.data.size()));
    contexts::MakeOptions make;
    for (const std::string& step : options_.transform)
      make.steps.push_back(contexts::parse_step(step, "--transform"));
    if (!options_.noise.empty()) make.noise = store::resolve_manifest(options_.noise);
    make.seed = context.common.seed;
    const auto manifest = contexts::make_context(store::resolve_manifest(options_.data[0]),
                                                 options_.out, make, context.progress);
    if (context.common.json)
      context.print(nlohmann::ordered_json{{"manifest", manifest.string()}}.dump(1));
    else
      context.print(manifest.string());
    return 0;
  }

  int compare(const Context& context) {
    if (options_.model.empty()) throw UserError("--model", "expected a model, got none");
    if (options_.data.size() < 2)
      throw UserError("--data",
                      "expected at least two contexts, got " + std::to_string(options_.data.size()),
                      "--data test=A.jsonl --data deployment=B.jsonl");
    std::vector<contexts::ContextSet> sets;
    for (const std::string& given : options_.data) {
      const auto [name, path] = named_path("--data", given);
      sets.push_back({name, store::read_manifest(store::resolve_manifest(path))});
    }
    if (options_.circuit > 0 && options_.sae.empty())
      throw UserError("--circuit", "expected an SAE, got none", "--sae DIR says which features");
    if (options_.steer > 0 && options_.no_decode)
      throw UserError("--steer", "expected decoding, got --no-decode",
                      "the effect is on what the model writes");
    // Before minutes of listening.
    if (!options_.recipe.empty()) steer::read_recipe(options_.recipe);
    std::vector<contexts::Items> items;
    if (options_.factorial)
      items = crossed(sets);
    else
      for (size_t i = 1; i < sets.size(); ++i)
        items.push_back(contexts::select_items(sets[0], sets[i], options_.select));

    nlohmann::ordered_json json{{"schema", "otoscope.contexts"}, {"version", 1}};
    const std::vector<contexts::Comparison> comparisons =
        listen_to_contexts(options_, context, sets, std::move(items), json);
    json["comparisons"] = nlohmann::ordered_json::array();
    for (const contexts::Comparison& one : comparisons)
      json["comparisons"].push_back(
          contexts::compare(one, options_.compare, context.common.seed, context.progress));
    if (options_.factorial)
      json["factorial"] = contexts::factorial_json(
          comparisons[0], comparisons[1],
          contexts::factorial_of(comparisons[0], comparisons[1], options_.compare,
                                 context.common.seed, context.progress),
          shared_, options_.compare);
    io::write_json(options_.out, json);
    if (context.common.json) {
      context.print(json.dump(1));
      return 0;
    }
    std::string text;
    for (const contexts::TextTable& table : contexts::contexts_tables(json)) {
      text += table.title + "\n";
      if (!table.rows.empty()) text += text_table(table.rows) + "\n";
      if (!table.note.empty()) text += table.note + "\n";
      text += "\n";
    }
    context.print(text + options_.out);
    return 0;
  }

  std::vector<contexts::Items> crossed(const std::vector<contexts::ContextSet>& sets) {
    if (sets.size() != 4)
      throw UserError("--factorial", "expected four sets, got " + std::to_string(sets.size()),
                      "--data a=A --data a2=A-RECORDED-OTHERWISE --data b=B --data "
                      "b2=B-RECORDED-OTHERWISE");
    contexts::SelectOptions select = options_.select;
    select.paired = false;
    // Contents may share a voice on purpose: --force, and it is said.
    shared_ = contexts::select_items(sets[0], sets[2], select).leaks;
    select.paired = true;
    return {contexts::select_items(sets[0], sets[1], select),
            contexts::select_items(sets[2], sets[3], select)};
  }

  std::vector<contexts::Leak> shared_;  // by the two contents of a factorial design
};

}  // namespace

std::unique_ptr<Verb> make_contexts() { return std::make_unique<Contexts>(); }

}  // namespace otoscope::cli
