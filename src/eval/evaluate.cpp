#include "otoscope/eval/evaluate.h"

#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "eval/check_fit.h"
#include "eval/controls.h"
#include "eval/systems.h"
#include "otoscope/eval/batch_mode.h"
#include "otoscope/eval/fidelity.h"
#include "otoscope/eval/report.h"
#include "otoscope/eval/spliced.h"
#include "otoscope/io/json.h"
#include "otoscope/model/normalizer.h"
#include "otoscope/store/levels.h"

namespace otoscope::eval {
namespace {

using io::OrderedJson;

/// A row of a job's table before it is JSON.
struct Row {
  std::string name, kind, what;
  OrderedJson fidelity;
  int system = -1;  // index of its splice, -1: none
};

OrderedJson store_json(const store::Store& store) {
  return {{"hash", store.hash()},        {"site", store.site()},
          {"model", store.model_name()}, {"model_hash", store.model_hash()},
          {"unit", store.unit()},        {"packed", store.packed()}};
}

OrderedJson sae_json(const EvalJob& job) {
  static const char* const kActivations[] = {"relu", "topk", "threshold", "gated"};
  const sae::Sae& sae = *job.sae;
  return {{"name", job.name},
          {"hash", sae.hash},
          {"architecture", sae.architecture},
          {"site", sae.site.empty() ? job.store->site() : sae.site},
          {"target_site", sae.target_site},
          {"features", sae.F()},
          {"width", sae.d()},
          {"activation", kActivations[static_cast<int>(sae.activation)]}};
}

class Evaluation {
 public:
  Evaluation(const std::optional<SpliceInputs>& splice, const EvalOptions& options,
             Progress& progress)
      : splice_(splice),
        options_(options),
        progress_(progress),
        split_(store::split_named(options.split)),
        controls_(options, splice ? splice->model : nullptr, progress) {
    fidelity_.seed = options.seed;
    fidelity_.replicates = options.replicates;
    if (splice) systems_ = std::make_unique<Systems>(*splice);
  }

  /// Fidelity of the SAE, its controls and its other stores; registers what will be spliced.
  void measure(const EvalJob& job) {
    check_fit(*job.sae, *job.store, job.name);
    check_target(*job.sae, *job.store, job.target, job.name);
    const bool transcoder = job.target != nullptr;
    const bool splice = systems_ != nullptr;
    const store::Store& replaced = transcoder ? *job.target : *job.store;
    const store::Store* source = transcoder ? job.store : nullptr;
    OrderedJson out{{"schema", "otoscope.eval"}, {"version", 1}};
    out["plan"] = evaluation_plan({job}, manifest(), options_).at(0);
    out["sae"] = sae_json(job);
    out["store"] = store_json(*job.store);
    if (transcoder) out["target_store"] = store_json(*job.target);
    out["split"] = options_.split;

    const auto reconstructor = std::make_shared<SaeReconstructor>(*job.sae);
    const Fidelity own = fidelity_on(*reconstructor, *job.store, job.target);
    out["batch_mode"] = batch_mode(job);
    out["rows"] = own.rows;
    out["items"] = own.items;
    out["clusters"] = own.clusters;
    out["clusters_by"] = job.store->clusters_by_speaker() ? "speaker" : "prompt";

    std::vector<Row> rows{{job.name, "sae", "the SAE", to_json(own), -1}};
    if (splice) {
      systems_->add_site(replaced, false);
      rows[0].system = systems_->add(job.name, replaced, source, reconstructor,
                                     System::Role::tested, job.decode);
    }
    for (const Control& control : controls_.make(job, own.l0.value)) {
      const bool same_rows = control.store == job.store;
      rows.push_back({control.name, "control", control.what,
                      to_json(fidelity_on(*control.reconstructor, *control.store,
                                          same_rows ? job.target : nullptr)),
                      -1});
      if (!splice || !control.splice) continue;
      // Only controls of the job's own rows are spliced.
      const bool mean = control.name == "mean";
      rows.back().system =
          systems_->add(control.name, same_rows ? replaced : *control.store,
                        mean || !same_rows ? nullptr : source, control.reconstructor,
                        mean ? System::Role::mean : System::Role::tested, job.decode);
    }
    out["components_for_equal_fvu"] = nullptr;
    if (const auto pca = transcoder ? nullptr : controls_.pca(*job.store)) {
      const Sample sample = Sample::of_store(*job.store, split_);
      out["components_for_equal_fvu"] =
          components_for_fvu(*pca, sample, moments_of(sample), own.fvu.value);
    }
    OrderedJson also = OrderedJson::array();
    for (const AlsoStore& other : job.also) {
      check_fit(*job.sae, *other.store, job.name);
      check_target(*job.sae, *other.store, other.target, job.name);
      also.push_back(
          {{"name", other.name},
           {"store", store_json(*other.store)},
           {"fidelity", to_json(fidelity_on(*reconstructor, *other.store, other.target))}});
    }
    out["also"] = std::move(also);
    results_.push_back({std::move(out), std::move(rows), splice, replaced.site()});
  }

  /// Runs the splices and puts everything together.
  std::vector<OrderedJson> finish() {
    SplicedOptions spliced;
    spliced.max_tokens = options_.max_tokens;
    spliced.batch = options_.clip_batch;
    spliced.seed = options_.seed;
    spliced.replicates = options_.replicates;
    ClipChoice choice;
    SplicedRun run;
    if (systems_ && !systems_->all().empty()) {
      choice = choose_clips(*splice_->manifest, split_, options_.clips, *splice_->model,
                            *splice_->tokenizer);
      run = run_spliced(*splice_->model, *splice_->tokenizer, choice, systems_->all(), spliced,
                        progress_);
    }
    std::vector<OrderedJson> all;
    for (Result& result : results_) {
      OrderedJson table = OrderedJson::array();
      for (const Row& row : result.rows) {
        OrderedJson entry{{"name", row.name}, {"kind", row.kind}, {"what", row.what}};
        entry["fidelity"] = row.fidelity;
        entry["spliced"] = nullptr;
        if (row.system >= 0)
          entry["spliced"] =
              to_json(measures_of(run, static_cast<size_t>(row.system), choice, spliced));
        table.push_back(std::move(entry));
      }
      result.json["table"] = std::move(table);
      result.json["spliced"] =
          result.splice ? spliced_json(run, choice, spliced, result.site) : OrderedJson(nullptr);
      EvalOptions copy = options_;
      result.json["options"] = io::options_to_json(options_of(copy));
      result.json["seeds"] = {{"bootstrap", options_.seed}, {"untrained", options_.seed}};
      all.push_back(std::move(result.json));
    }
    return all;
  }

 private:
  struct Result {
    OrderedJson json;
    std::vector<Row> rows;
    bool splice;
    std::string site;
  };

  std::optional<store::Manifest> manifest() const {
    return splice_ ? std::optional(*splice_->manifest) : std::nullopt;
  }

  Fidelity fidelity_on(const Reconstructor& reconstructor, const store::Store& store,
                       const store::Store* target) {
    const Sample x = Sample::of_store(store, split_);
    const store::Store& measured = target ? *target : store;
    FidelityOptions options = fidelity_;
    if (target == nullptr) {
      options.speech = &speech_of(measured, x);
      return measure_fidelity(reconstructor, x, x, moments_of(x), options, progress_);
    }
    const Sample y = Sample::of_store(*target, split_);
    options.speech = &speech_of(measured, y);
    return measure_fidelity(reconstructor, x, y, moments_of(y), options, progress_);
  }

  /// Heard once a store: its audio is decoded for it.
  const Part& speech_of(const store::Store& store, const Sample& sample) {
    const auto [found, is_new] = speech_.try_emplace(store.hash());
    if (is_new) {
      found->second.rows = store::speech_among(store, split_, progress_);
      if (!found->second.rows.empty())
        found->second.moments = moments_of(sample, found->second.rows);
    }
    return found->second;
  }

  OrderedJson batch_mode(const EvalJob& job) const {
    const int64_t k = batch_k(*job.sae);
    if (k == 0) return nullptr;
    const Sample x = Sample::of_store(*job.store, split_);
    if (job.target == nullptr)
      return to_json(measure_batch_mode(*job.sae, k, x, x, moments_of(x), fidelity_));
    const Sample y = Sample::of_store(*job.target, split_);
    return to_json(measure_batch_mode(*job.sae, k, x, y, moments_of(y), fidelity_));
  }

  OrderedJson spliced_json(const SplicedRun& run, const ClipChoice& choice,
                           const SplicedOptions& spliced, const std::string& site_name) const {
    OrderedJson json{{"model_hash", splice_->model->hash()},
                     {"data", splice_->manifest->sha256},
                     {"clips", choice.clips.size()},
                     {"candidates", choice.candidates},
                     {"clusters", choice.clusters},
                     {"clusters_by", choice.by_speaker ? "speaker" : "prompt"},
                     {"context", "sot, language, transcribe, no_timestamps"},
                     {"splice_padding", "keep"},
                     {"max_tokens", spliced.max_tokens},
                     {"normalizer", std::string(model::kNormalizerVersion)},
                     {"clean", to_json(clean_measures(run, choice, spliced))}};
    const model::Site site = model::find_site(splice_->model->dims(), site_name);
    for (size_t i = 0; i < run.systems.size(); ++i) {
      const System& system = run.systems[i].system;
      if (system.role != System::Role::tested && system.site == site)
        json[system.name] = to_json(measures_of(run, i, choice, spliced));
    }
    return json;
  }

  const std::optional<SpliceInputs>& splice_;
  const EvalOptions& options_;
  Progress& progress_;
  store::Split split_;
  ControlMaker controls_;
  FidelityOptions fidelity_;
  std::map<std::string, Part> speech_;  // by the store's hash
  std::unique_ptr<Systems> systems_;
  std::vector<Result> results_;
};

}  // namespace

std::vector<OrderedJson> evaluate(const std::vector<EvalJob>& jobs,
                                  const std::optional<SpliceInputs>& splice,
                                  const EvalOptions& options, Progress& progress) {
  Evaluation evaluation(splice, options, progress);
  for (const EvalJob& job : jobs) evaluation.measure(job);
  return evaluation.finish();
}

}  // namespace otoscope::eval
