#include <algorithm>
#include <list>
#include <nlohmann/json.hpp>

#include "cli/eval_joint.h"
#include "cli/verb.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/eval/evaluate.h"
#include "otoscope/eval/report.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/sae/joint.h"
#include "otoscope/sae/sae.h"
#include "otoscope/store/corpora.h"

namespace otoscope::cli {
namespace {

struct EvalVerbOptions {
  std::vector<std::string> sae, activations, also, target, shuffled_activations;
  std::string frozen_sae, shuffled_sae, model, data;
  bool no_decode = false;
  eval::EvalOptions eval;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("sae", o.sae,
      "folders of SAEs; eval.json is written into each. Or one crosscoder or cross-layer "
      "transcoder: joint-eval.json");
    v("activations", o.activations,
      "store of the site: one for all SAEs, or one for each; a dictionary of several sites: all of "
      "them, in its order");
    v("target-activations", o.target,
      "transcoders: store of the site that they rebuild; none: beside --activations, by its name");
    v("model", o.model, "model to splice reconstructions into; none: rows alone are measured");
    v("data", o.data, "manifest (or fetched corpus) of the clips that are spliced and decoded");
    v("also", o.also, "NAME=STORE of other rows to measure the same SAEs on, as unpacked clips");
    v("frozen-sae", o.frozen_sae, "control: an SAE trained with its random decoder kept");
    v("shuffled-sae", o.shuffled_sae,
      "control: an SAE of the model with shuffled weights; or a crosscoder of two such models");
    v("shuffled-activations", o.shuffled_activations,
      "store of the shuffled model's site; of each site of a crosscoder");
    v("no-decode", o.no_decode, "splice, but measure the teacher-forced decoder alone");
    eval::EvalOptions::visit(o.eval, v);
  }
};

/// Everything that the jobs borrow.
struct Opened {
  std::list<sae::Sae> saes;
  std::list<store::Store> stores;
  std::vector<eval::EvalJob> jobs;
};

std::string name_of(const std::filesystem::path& folder) {
  const auto name = folder.filename();
  return (name.empty() ? folder.parent_path().filename() : name).string();
}

class Eval : public VerbWith<EvalVerbOptions> {
 public:
  std::string example() const override {
    return "eval --sae runs/demo/sae/encoder.out/batchtopk-4096-k32 --activations "
           "runs/demo/activations/encoder.out --model whisper-base --data prompts";
  }

  int run(const Context& context) override {
    check();
    options_.eval.seed = context.common.seed;
    if (sae::is_joint(options_.sae[0])) {
      eval_joint({options_.sae[0], options_.activations, options_.target, options_.shuffled_sae,
                  options_.shuffled_activations},
                 options_.eval, context);
      return 0;
    }
    Opened opened;
    open(opened);
    std::optional<store::Manifest> manifest;
    if (!options_.model.empty())
      manifest = store::read_manifest(store::resolve_manifest(options_.data));

    std::vector<nlohmann::ordered_json> results =
        existing(opened, eval::evaluation_plan(opened.jobs, manifest, options_.eval));
    if (results.empty()) {
      results = measure(opened, manifest, context.progress);
      for (size_t i = 0; i < results.size(); ++i)
        io::write_json(std::filesystem::path(options_.sae[i]) / "eval.json", results[i]);
    }
    print(context, results);
    return 0;
  }

 private:
  void check() const {
    if (options_.sae.empty()) throw UserError("--sae", "expected the folder of an SAE, got none");
    for (const std::string& folder : options_.sae)
      if (sae::is_joint(folder)) return check_joint();
    if (options_.activations.size() != 1 && options_.activations.size() != options_.sae.size())
      throw UserError("--activations", "expected one store, or one for each of " +
                                           std::to_string(options_.sae.size()) + " SAEs, got " +
                                           std::to_string(options_.activations.size()));
    if (options_.model.empty() != options_.data.empty())
      throw UserError(options_.model.empty() ? "--model" : "--data",
                      "expected both --model and --data, or neither",
                      "spliced measures need a model and clips with text");
    if (options_.shuffled_sae.empty() != options_.shuffled_activations.empty())
      throw UserError("--shuffled-sae",
                      "expected --shuffled-activations with it, the shuffled model's own rows");
    for (const auto* one : {&options_.target, &options_.shuffled_activations})
      if (one->size() > 1)
        throw UserError(one == &options_.target ? "--target-activations" : "--shuffled-activations",
                        "expected one store, got " + std::to_string(one->size()),
                        "only dictionaries of several sites have several");
  }

  /// What the other options mean for a dictionary of several sites.
  void check_joint() const {
    if (options_.sae.size() != 1)
      throw UserError("--sae", "expected a dictionary of several sites alone, got " +
                                   std::to_string(options_.sae.size()) + " folders");
    if (options_.shuffled_sae.empty() != options_.shuffled_activations.empty())
      throw UserError("--shuffled-sae", "expected --shuffled-activations with it");
    const bool spliced = !options_.model.empty() || !options_.data.empty();
    if (spliced || !options_.also.empty() || !options_.frozen_sae.empty())
      throw UserError(spliced                 ? "--model"
                      : options_.also.empty() ? "--frozen-sae"
                                              : "--also",
                      "expected rows alone for a dictionary of several sites",
                      "trace runs a cross-layer transcoder in the model's place");
  }

  const store::Store* open_store(Opened& opened, const std::string& path) const {
    for (const store::Store& store : opened.stores)
      if (store.path() == std::filesystem::path(path)) return &store;
    return &opened.stores.emplace_back(store::Store::open(path));
  }

  /// Stores of one extraction lie side by side: a transcoder's target is found by its name.
  const store::Store* target_beside(Opened& opened, const sae::Sae& sae,
                                    const store::Store& store) const {
    if (sae.target_site.empty() || sae.target_site == sae.site) return nullptr;
    const auto beside = store.path().parent_path() / sae.target_site;
    return std::filesystem::exists(beside) ? open_store(opened, beside.string()) : nullptr;
  }

  void open(Opened& opened) const {
    std::vector<eval::TrainedControl> controls;
    if (!options_.frozen_sae.empty())
      controls.push_back({"frozen", &opened.saes.emplace_back(sae::load(options_.frozen_sae))});
    if (!options_.shuffled_sae.empty())
      controls.push_back({"shuffled", &opened.saes.emplace_back(sae::load(options_.shuffled_sae)),
                          open_store(opened, options_.shuffled_activations[0]), false});
    std::vector<eval::AlsoStore> also;
    for (const std::string& given : options_.also) {
      const size_t equals = given.find('=');
      if (equals == std::string::npos || equals == 0)
        throw UserError("--also", "expected NAME=STORE, got " + given);
      also.push_back({given.substr(0, equals), open_store(opened, given.substr(equals + 1)), {}});
    }
    for (size_t i = 0; i < options_.sae.size(); ++i) {
      eval::EvalJob job;
      job.name = name_of(options_.sae[i]);
      job.sae = &opened.saes.emplace_back(sae::load(options_.sae[i]));
      job.store =
          open_store(opened, options_.activations[options_.activations.size() == 1 ? 0 : i]);
      if (!options_.target.empty())
        job.target = open_store(opened, options_.target[0]);
      else
        job.target = target_beside(opened, *job.sae, *job.store);
      job.controls = controls;
      job.also = also;
      for (eval::AlsoStore& other : job.also)
        other.target = target_beside(opened, *job.sae, *other.store);
      job.decode = !options_.no_decode;
      opened.jobs.push_back(std::move(job));
    }
  }

  /// What an earlier run of the same plan wrote; empty if any is missing or of another plan.
  std::vector<nlohmann::ordered_json> existing(const Opened& opened,
                                               const std::vector<std::string>& plans) const {
    std::vector<nlohmann::ordered_json> found;
    for (size_t i = 0; i < opened.jobs.size(); ++i) {
      const auto path = std::filesystem::path(options_.sae[i]) / "eval.json";
      if (!std::filesystem::exists(path)) return {};
      auto json = nlohmann::ordered_json::parse(io::read_file(path), nullptr, false);
      if (!json.is_object() || json.value("plan", std::string()) != plans[i]) return {};
      found.push_back(std::move(json));
    }
    return found;
  }

  std::vector<nlohmann::ordered_json> measure(const Opened& opened,
                                              const std::optional<store::Manifest>& manifest,
                                              Progress& progress) const {
    if (!manifest) return eval::evaluate(opened.jobs, {}, options_.eval, progress);
    const auto model = model::Whisper::load(options_.model, {}, progress);
    const auto tokenizer = model::Tokenizer::load(model.folder(), model.dims().n_vocab, progress);
    return eval::evaluate(opened.jobs, eval::SpliceInputs{&model, &tokenizer, &*manifest},
                          options_.eval, progress);
  }

  void print(const Context& context, const std::vector<nlohmann::ordered_json>& results) const {
    if (context.common.json)
      return context.print(
          (results.size() == 1 ? results[0] : nlohmann::ordered_json(results)).dump(1));
    for (size_t i = 0; i < results.size(); ++i) {
      const auto& r = results[i];
      context.print(
          (i > 0 ? "\n" : "") + (std::filesystem::path(options_.sae[i]) / "eval.json").string() +
          "\n" + r.at("sae").at("site").get<std::string>() + ", " +
          std::to_string(r.at("rows").get<int64_t>()) + " " + r.at("split").get<std::string>() +
          " rows of " + std::to_string(r.at("items").get<int64_t>()) + " items, " +
          std::to_string(r.at("clusters").get<int64_t>()) + " clusters by " +
          r.at("clusters_by").get<std::string>() + "\n" + text_table(eval::eval_table(r)));
    }
  }
};

}  // namespace

std::unique_ptr<Verb> make_eval() { return std::make_unique<Eval>(); }

}  // namespace otoscope::cli
