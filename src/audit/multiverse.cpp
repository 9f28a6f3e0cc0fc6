#include "audit/multiverse.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/interrupt.h"
#include "otoscope/core/statistics.h"

namespace otoscope::audit {
namespace {

using Json = nlohmann::ordered_json;
using steer::Part;

constexpr int kReplicates = 500;  // of 48 analyses

/// The output as one of the label sources has it.
steer::Heard seen(steer::Heard heard, bool after_filter) {
  if (after_filter && heard.filtered()) heard.text.clear(), heard.normalised.clear();
  return heard;
}

class Multiverse {
 public:
  Multiverse(const Gathered& gathered, const FailureMode& mode, const Causal& causal,
             Wording verdict, const Laboratory& lab, const CausalOptions& options,
             const PredictiveOptions& predicting)
      : g_(gathered),
        mode_(mode),
        causal_(causal),
        verdict_(verdict),
        lab_(lab),
        options_(options),
        predicting_(predicting) {
    options_.replicates = kReplicates;
    options_.judging.filter = Filter::raw;  // the filter is in what is seen
  }

  Json run() {
    for (const bool after : {false, true}) labels_.push_back(judged(after));
    for (const bool drawn : {false, true})
      for (const size_t source : {0, 1})
        for (const size_t most : {predicting_.most_features, size_t{1}})
          choices_.push_back(choose(drawn, source, most));
    run_edits();
    for (const Choice& choice : choices_)
      for (const bool to_mean : {false, true}) {
        const Column causes = choice.told ? causal_column(choice, to_mean) : Column::not_measured;
        for (int measure = 0; measure < 3; ++measure) add(choice, to_mean, causes, measure);
      }
    Json json{{"measured", true}};
    json["axes"] = Json::array();
    const auto axis = [&](const char* name, std::vector<std::string> values) {
      json["axes"].push_back({{"name", name}, {"values", std::move(values)}});
    };
    axis("clips of train", {"all", "clusters resampled"});
    axis("label source", {"text as decoded", "after Whisper's filter"});
    axis("size of the set", {"as dev chooses", "one"});
    axis("ablation", {"to zero", "to the mean"});
    axis("measure",
         {"AUROC", "correlation at dev's best threshold", "correlation at dev's prevalence"});
    json["n_specs"] = specs_.size();
    json["computable"] = computable_;
    json["share_supporting"] =
        static_cast<double>(supporting_) / static_cast<double>(specs_.size());
    json["verdict_of_primary"] = wording_name(verdict_);
    json["specs"] = std::move(specs_);
    return json;
  }

 private:
  struct Choice {
    bool drawn = false, told = false;
    size_t source = 0;
    bool one = false;
    Labelled parts[3];
    FeatureSet set;
    bool over_nuisance = false;  // better than length and level, as the primary analysis asks
    size_t edits[2] = {0, 0};
  };

  std::vector<uint8_t> judged(bool after) const {
    std::vector<uint8_t> fails;
    for (size_t i = 0; i < g_.cases.size(); ++i) {
      Case one = g_.cases[i];
      one.heard = seen(one.heard, after);
      fails.push_back(judge(mode_, one, options_.judging).answer == Judgement::Answer::fails);
    }
    return fails;
  }

  Choice choose(bool drawn, size_t source, size_t most) const {
    throw_if_interrupted();
    Choice choice;
    choice.drawn = drawn;
    choice.source = source;
    choice.one = most == 1;
    for (const Part part : {Part::train, Part::dev, Part::test})
      choice.parts[static_cast<size_t>(part)] = labelled(g_, part, labels_[source]);
    if (drawn) {
      Rng rng(options_.seed, "audit: multiverse");
      choice.parts[0] = resampled(choice.parts[0], rng);
    }
    choice.told = too_few(choice.parts).empty();
    if (choice.told)
      choice.set = choose_set(g_.all, lab_.saes.size(), choice.parts[0], choice.parts[1], most);
    if (choice.told) choice.over_nuisance = over_nuisance(choice);
    return choice;
  }

  Scored scored(const Choice& choice, size_t part) const {
    const Labelled& some = choice.parts[part];
    return {scores_of(choice.set, g_.all, some.rows), some.positive, some.cluster};
  }

  /// The better one of dev of length and level, each in the direction that train says.
  bool over_nuisance(const Choice& choice) const {
    const auto values = [&](bool length, size_t part) {
      std::vector<double> all;
      for (const int64_t row : choice.parts[part].rows) {
        const steer::Loudness& one = g_.all.loudness[static_cast<size_t>(row)];
        all.push_back(length ? one.seconds : one.rms_db);
      }
      return all;
    };
    std::vector<double> nuisance;
    double best = -1;
    for (const bool length : {true, false}) {
      const double sign = auroc(values(length, 0), choice.parts[0].positive) < .5 ? -1 : 1;
      std::vector<double> dev = values(length, 1), test = values(length, 2);
      for (double& x : dev) x *= sign;
      for (double& x : test) x *= sign;
      const double found = auroc(dev, choice.parts[1].positive);
      if (found > best) best = found, nuisance = std::move(test);
    }
    return auroc_difference(scored(choice, 2), nuisance, options_.seed, kReplicates).low > 0;
  }

  void run_edits() {
    std::vector<Arm> arms;
    for (Choice& choice : choices_)
      for (const bool to_mean : {false, true}) {
        if (!choice.told) continue;
        const Arm arm = ablation(choice.set, g_, to_mean);
        const auto same = std::find_if(arms.begin(), arms.end(), [&](const Arm& other) {
          return other.sae == arm.sae && other.op.action == arm.op.action &&
                 other.op.features == arm.op.features;
        });
        choice.edits[to_mean ? 1 : 0] = static_cast<size_t>(same - arms.begin());
        if (same == arms.end()) arms.push_back(arm);
      }
    if (!arms.empty()) run_ = lab_.run(g_.for_decoder(causal_.rows), arms, false, "other choices");
  }

  Paired pair(const std::vector<steer::Heard>& after, bool filter) const {
    std::vector<steer::Heard> was, is;
    for (size_t i = 0; i < after.size(); ++i) {
      was.push_back(seen(g_.all.heard[static_cast<size_t>(causal_.rows[i])], filter));
      is.push_back(seen(after[i], filter));
    }
    return paired(g_, mode_, causal_.rows, was, is, options_);
  }

  Column causal_column(const Choice& choice, bool to_mean) {
    const bool filter = choice.source == 1;
    last_causal_ = pair(run_.heard[choice.edits[to_mean ? 1 : 0]], filter).difference;
    return last_causal_.low > 0 && last_causal_.value > controls_95(filter) ? Column::passed
                                                                            : Column::failed;
  }

  double controls_95(bool filter) {
    double& known = controls_[filter ? 1 : 0];
    if (std::isnan(known)) {
      std::vector<double> sizes;
      for (const auto& heard : causal_.controls.heard)
        sizes.push_back(std::abs(pair(heard, filter).difference.value));
      known = sizes.empty() ? 1 : quantile(sizes, .95);
    }
    return known;
  }

  void add(const Choice& choice, bool to_mean, Column causes, int measure) {
    constexpr const char* kMeasures[] = {"AUROC", "correlation at dev's best threshold",
                                         "correlation at dev's prevalence"};
    Json spec;
    spec["at"] = {choice.drawn ? "clusters resampled" : "all",
                  choice.source == 1 ? "after Whisper's filter" : "text as decoded",
                  choice.one ? "one" : "as dev chooses", to_mean ? "to the mean" : "to zero",
                  kMeasures[measure]};
    if (!choice.told) {
      spec["verdict"] = wording_name(Wording::no_verdict);
      specs_.push_back(std::move(spec));
      return;
    }
    ++computable_;
    const Scored dev = scored(choice, 1);
    const Score score =
        score_of(scored(choice, 2), measure == 2 ? prevalence_threshold(dev) : best_threshold(dev),
                 options_.seed, kReplicates);
    const bool foretells =
        (measure == 0 ? score.auroc.low > .5 : score.mcc.low > 0) && choice.over_nuisance;
    const Wording found = wording_of(true, foretells ? Column::passed : Column::failed, causes);
    supporting_ += found == verdict_ ? 1 : 0;
    spec["verdict"] = wording_name(found);
    const double value = measure == 0 ? score.auroc.value : score.mcc.value;
    spec["predictive"] = std::isfinite(value) ? Json(value) : Json();
    spec["causal"] = std::isfinite(last_causal_.value) ? Json(last_causal_.value) : Json();
    specs_.push_back(std::move(spec));
  }

  const Gathered& g_;
  const FailureMode& mode_;
  const Causal& causal_;
  Wording verdict_;
  const Laboratory& lab_;
  CausalOptions options_;
  const PredictiveOptions& predicting_;
  std::vector<std::vector<uint8_t>> labels_;
  std::vector<Choice> choices_;
  ArmRun run_;
  Estimate last_causal_;
  double controls_[2] = {std::nan(""), std::nan("")};
  Json specs_ = Json::array();
  int64_t supporting_ = 0, computable_ = 0;
};

}  // namespace

Json multiverse(const Gathered& gathered, const FailureMode& mode, const Predictive& primary,
                const Causal& causal, Wording verdict, const Laboratory& lab,
                const CausalOptions& options, const PredictiveOptions& predicting) {
  if (!primary.measured() || !causal.measured())
    return {{"measured", false},
            {"why", "the primary analysis has no mechanism to vary: " +
                        (primary.measured() ? causal.why_not : primary.why_not)}};
  return Multiverse(gathered, mode, causal, verdict, lab, options, predicting).run();
}

}  // namespace otoscope::audit
