#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/named_path.h"
#include "cli/usage_error.h"
#include "cli/verb.h"
#include "otoscope/contexts/compare.h"
#include "otoscope/contexts/factorial.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"
#include "otoscope/model/decode.h"
#include "otoscope/model/registry.h"
#include "otoscope/steer/recipe.h"
#include "otoscope/store/corpora.h"

namespace otoscope::cli {
namespace {

struct ContextsVerbOptions {
  std::string model, sae, shuffled_sae, site, recipe, noise, out = "contexts.json";
  std::vector<std::string> data, transform;
  std::string precision = "f32";
  contexts::SelectOptions select;
  contexts::CompareOptions compare;
  contexts::DirectionOptions direction;
  int batch = 8, positive = 60, steer = 0;
  int64_t shuffle_weights = 1;
  bool no_decode = false, factorial = false;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("model", o.model, "the model that listens");
    v("sae", o.sae, "folder of an SAE of a site of its encoder; none: raw activations of --site");
    v("shuffled-sae", o.shuffled_sae,
      "SAE of the shuffled model; none: it is compared by its raw activations");
    v("site", o.site, "of the encoder; the SAE's if not given, else encoder.out");
    v("data", o.data, "NAME=MANIFEST of each context, the one to compare with first");
    v("paired", o.select.paired, "clips with equal ids are pairs: a set and its transform");
    v("factorial", o.factorial,
      "four sets, content by recording: A, A recorded otherwise, B, B recorded otherwise; each "
      "two are pairs");
    v("force", o.select.force, "compare sets that share clips, speakers or sources");
    v("split", o.select.split, "clips of which split", Choices{{"train", "dev", "test", "all"}});
    v("limit", o.select.limit, "clips of each set, the first by hash of their id; 0 = all",
      Range{0, 1e6});
    v("shuffle-weights", o.shuffle_weights,
      "seed of the control: the same with every weight's entries permuted; -1 = none",
      Range{-1, 9e18});
    v("positive", o.positive, "clips of the positive control (noise at 10 dB); 0 = none",
      Range{0, 1e6});
    v("recipe", o.recipe, "an intervention whose effect is measured in both contexts");
    v("steer", o.steer,
      "move clips along what separates the contexts, beside so many random directions (19 reach "
      "p .05); 0 = do not",
      Range{0, 1000});
    v("steer-clips", o.direction.clips, "clips moved, of each context", Range{2, 1e6});
    v("no-decode", o.no_decode, "do not look at what the model writes");
    v("precision", o.precision, "how the model computes", Choices{{"f32", "bf16"}});
    v("batch", o.batch, "clips at once", Range{1, 256});
    v("transform", o.transform,
      "with make: telephone, opus=KBITS, mp3=KBITS, g722, reverb=S, noise=DB, far=S, clip=DB, "
      "speed=FACTOR, gain=DB, in the order given");
    v("noise", o.noise, "with make: sounds for noise (manifest or fetched corpus), pink if none");
    v("out", o.out, "where the result is written; with make: the folder");
    contexts::CompareOptions::visit(o.compare, v);
  }
};

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
    if (options_.steer > 0 && options_.no_decode)
      throw UserError("--steer", "expected decoding, got --no-decode",
                      "the effect is on what the model writes");
    // Before minutes of listening.
    std::vector<contexts::Items> items;
    if (options_.factorial)
      items = crossed(sets);
    else
      for (size_t i = 1; i < sets.size(); ++i)
        items.push_back(contexts::select_items(sets[0], sets[i], options_.select));

    std::optional<sae::Sae> sae;
    if (!options_.sae.empty()) sae = sae::load(options_.sae);
    std::vector<contexts::Comparison> comparisons;
    nlohmann::ordered_json json{{"schema", "otoscope.contexts"}, {"version", 1}};
    listen(context, sae ? &*sae : nullptr, sets, std::move(items), comparisons, json);
    json["comparisons"] = nlohmann::ordered_json::array();
    for (const contexts::Comparison& one : comparisons)
      json["comparisons"].push_back(
          contexts::compare(one, options_.compare, context.common.seed, context.progress));
    if (options_.factorial)
      json["factorial"] = contexts::factorial_json(
          comparisons[0], comparisons[1],
          contexts::factorial_of(comparisons[0], comparisons[1], options_.compare,
                                 context.common.seed, context.progress),
          options_.compare);
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

  /// The first set of each comparison: pairs of sets in a factorial design, else always the first.
  size_t first_of(size_t comparison) const { return options_.factorial ? 2 * comparison : 0; }

  std::vector<contexts::Items> crossed(const std::vector<contexts::ContextSet>& sets) const {
    if (sets.size() != 4)
      throw UserError("--factorial", "expected four sets, got " + std::to_string(sets.size()),
                      "--data a=A --data a2=A-RECORDED-OTHERWISE --data b=B --data "
                      "b2=B-RECORDED-OTHERWISE");
    contexts::SelectOptions select = options_.select;
    select.paired = false;
    contexts::select_items(sets[0], sets[2], select);  // contents must not share clips or speakers
    select.paired = true;
    return {contexts::select_items(sets[0], sets[1], select),
            contexts::select_items(sets[2], sets[3], select)};
  }

  model::Whisper load(const Context& context, bool shuffled) const {
    model::LoadOptions load;
    load.precision = options_.precision == "bf16" ? Precision::bf16 : Precision::f32;
    if (shuffled) load.shuffle_weights = static_cast<uint64_t>(options_.shuffle_weights);
    return model::Whisper::load(model::resolve_model(options_.model), load, context.progress);
  }

  static void check(const sae::Sae& sae, const model::Whisper& model) {
    if (!sae.model_hash.empty() && sae.model_hash != model.hash())
      throw UserError(sae.folder.string(),
                      "expected an SAE of this model, got one of " + sae.model_name);
  }

  /// Everything that needs a model, one model after the other in memory.
  void listen(const Context& context, const sae::Sae* sae,
              const std::vector<contexts::ContextSet>& sets, std::vector<contexts::Items> items,
              std::vector<contexts::Comparison>& comparisons, nlohmann::ordered_json& json) const {
    contexts::GatherOptions gather;
    gather.batch = options_.batch;
    gather.decode = !options_.no_decode;
    gather.seed = context.common.seed;
    {
      const model::Whisper model = load(context, false);
      const auto tokenizer = model::load_tokenizer(model, context.progress);
      if (sae != nullptr) check(*sae, model);
      const std::string site = !options_.site.empty()                 ? options_.site
                               : sae != nullptr && !sae->site.empty() ? sae->site
                                                                      : "encoder.out";
      gather.site = model::find_site(model.dims(), site);
      describe(json, context, model, sae, sets);
      const auto names =
          sae == nullptr ? std::vector<std::string>()
                         : contexts::feature_names(
                               std::filesystem::path(options_.sae) / "features.sqlite", sae->F());
      for (size_t i = 0; i < items.size(); ++i) {
        contexts::Comparison one;
        one.first = sets[first_of(i)].name;
        one.second = sets[options_.factorial ? 2 * i + 1 : i + 1].name;
        one.items = std::move(items[i]);
        one.names = names;
        one.trained =
            contexts::gather(model, tokenizer, one.items.clips, sae, gather, context.progress);
        known_shift(context, model, tokenizer, sae, gather, one);
        if (!options_.recipe.empty()) steer(context, model, tokenizer, gather, one);
        if (options_.steer > 0) move(context, model, tokenizer, gather.site, sae, one);
        comparisons.push_back(std::move(one));
      }
    }
    if (options_.shuffle_weights < 0) return;
    const model::Whisper model = load(context, true);
    const auto tokenizer = model::load_tokenizer(model, context.progress);
    std::optional<sae::Sae> own;
    if (!options_.shuffled_sae.empty()) {
      own = sae::load(options_.shuffled_sae);
      check(*own, model);
    }
    gather.decode = false;
    for (contexts::Comparison& one : comparisons)
      one.shuffled = contexts::gather(model, tokenizer, one.items.clips, own ? &*own : nullptr,
                                      gather, context.progress);
  }

  void known_shift(const Context& context, const model::Whisper& model,
                   const model::Tokenizer& tokenizer, const sae::Sae* sae,
                   contexts::GatherOptions gather, contexts::Comparison& one) const {
    const int64_t most = std::min<int64_t>(options_.positive, one.items.design.n_of(0));
    if (most == 0) return;
    gather.steps = {{contexts::Change::noise, 10}};
    gather.decode = false;
    one.known_steps = gather.steps;
    one.known_shift = contexts::gather(model, tokenizer,
                                       std::span(one.items.clips).first(static_cast<size_t>(most)),
                                       sae, gather, context.progress);
  }

  void steer(const Context& context, const model::Whisper& model, const model::Tokenizer& tokenizer,
             const contexts::GatherOptions& gather, contexts::Comparison& one) const {
    if (options_.no_decode)
      throw UserError("--recipe", "expected decoding, got --no-decode",
                      "the effect is on what the model writes");
    otoscope::steer::Steering steering(otoscope::steer::read_recipe(options_.recipe), model);
    const auto hooks = steering.hooks();
    one.steered = contexts::gather(model, tokenizer, one.items.clips, nullptr, gather,
                                   context.progress, hooks)
                      .heard;
  }

  void move(const Context& context, const model::Whisper& model, const model::Tokenizer& tokenizer,
            const model::Site& site, const sae::Sae* sae, contexts::Comparison& one) const {
    contexts::DirectionOptions direction = options_.direction;
    direction.controls = options_.steer;
    direction.replicates = options_.compare.replicates;
    direction.batch = options_.batch;
    direction.seed = context.common.seed;
    one.directed = contexts::move_along(model, tokenizer, one.items, one.trained, site, sae,
                                        direction, context.progress);
  }

  void describe(nlohmann::ordered_json& json, const Context& context, const model::Whisper& model,
                const sae::Sae* sae, const std::vector<contexts::ContextSet>& sets) const {
    json["model"] = {{"name", model.folder().filename().string()},
                     {"hash", model.hash()},
                     {"precision", options_.precision}};
    if (sae != nullptr) json["sae"] = {{"folder", options_.sae}, {"hash", sae->hash}};
    json["site"] = !options_.site.empty()                 ? options_.site
                   : sae != nullptr && !sae->site.empty() ? sae->site
                                                          : "encoder.out";
    json["sets"] = nlohmann::ordered_json::array();
    for (const contexts::ContextSet& set : sets)
      json["sets"].push_back({{"name", set.name},
                              {"manifest", set.manifest.path.string()},
                              {"sha256", set.manifest.sha256},
                              {"clips", set.manifest.clips.size()}});
    json["split"] = options_.select.split;
    json["limit"] = options_.select.limit;
    json["shuffle_weights"] = options_.shuffle_weights;
    if (!options_.recipe.empty()) json["recipe"] = options_.recipe;
    json["seed"] = context.common.seed;
    auto compare = options_.compare;
    json["options"] = io::options_to_json(options_of(compare));
  }
};

}  // namespace

std::unique_ptr<Verb> make_contexts() { return std::make_unique<Contexts>(); }

}  // namespace otoscope::cli
