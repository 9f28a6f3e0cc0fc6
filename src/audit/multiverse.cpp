#include "audit/multiverse.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/interrupt.h"
#include "otoscope/core/statistics.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {
namespace {

using io::OrderedJson;
using steer::Part;

constexpr int kReplicates = 500;  // of 48 analyses a seed
constexpr const char* kChosenBy[] = {"what foretells alone", "both columns on dev"};

/// The output as one of the label sources has it.
steer::Heard seen(steer::Heard heard, bool after_filter) {
  if (after_filter && heard.filtered()) heard.text.clear(), heard.normalised.clear();
  return heard;
}

class Multiverse {
 public:
  Multiverse(const Gathered& gathered, const FailureMode& mode, const Search& search,
             const Causal& causal, Wording verdict, const Laboratory& lab,
             std::span<const std::vector<size_t>> seeds, const CausalOptions& options,
             const PredictiveOptions& predicting)
      : g_(gathered),
        mode_(mode),
        search_(search),
        causal_(causal),
        verdict_(verdict),
        lab_(lab),
        seeds_(seeds),
        options_(options),
        predicting_(predicting) {
    options_.replicates = kReplicates;
    options_.judging.filter = Filter::raw;  // the filter is in what is seen
  }

  OrderedJson run() {
    for (const bool after : {false, true}) labels_.push_back(judged(after));
    for (size_t seed = 0; seed < seeds_.size(); ++seed)
      for (const bool drawn : {false, true})
        for (const size_t source : {0, 1})
          for (const bool both : {true, false})
            choices_.push_back(choose(seed, drawn, source, both));
    run_edits();
    for (const Choice& choice : choices_)
      for (const bool to_mean : {false, true}) {
        const Column causes = choice.told ? causal_column(choice, to_mean) : Column::not_measured;
        for (int measure = 0; measure < 3; ++measure) add(choice, to_mean, causes, measure);
      }
    OrderedJson json{{"measured", true}};
    json["axes"] = OrderedJson::array();
    const auto axis = [&](const char* name, std::vector<std::string> values) {
      json["axes"].push_back({{"name", name}, {"values", std::move(values)}});
    };
    std::vector<std::string> saes;
    for (size_t seed = 0; seed < seeds_.size(); ++seed) saes.push_back(sae_name(seed));
    axis("SAE", saes);
    axis("clips of train", {"all", "clusters resampled"});
    axis("label source", {"text as decoded", "after Whisper's filter"});
    axis("the set is chosen by", {kChosenBy[1], kChosenBy[0]});
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
    size_t seed = 0;
    bool drawn = false, told = false;
    size_t source = 0;
    bool both = false;
    Labelled parts[3];
    FeatureSet set;
    bool over_nuisance = false;  // better than what is seen from outside, as the primary one asks
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

  Choice choose(size_t seed, bool drawn, size_t source, bool both) {
    throw_if_interrupted();
    Choice choice;
    choice.seed = seed;
    choice.drawn = drawn;
    choice.source = source;
    choice.both = both;
    for (const Part part : {Part::train, Part::dev, Part::test})
      choice.parts[static_cast<size_t>(part)] = labelled(g_, part, labels_[source]);
    if (drawn) {
      Rng rng(options_.seed, "audit: multiverse");
      choice.parts[0] = resampled(choice.parts[0], rng);
    }
    choice.told = too_few(choice.parts).empty();
    if (!choice.told) return choice;
    choice.set = both ? by_both(choice)
                      : choose_set(g_.all, seeds_[seed], choice.parts[0], choice.parts[1],
                                   predicting_.most_features);
    choice.over_nuisance = over_nuisance(choice);
    return choice;
  }

  /// The rule of the primary analysis, on the labels and clips of this one.
  FeatureSet by_both(const Choice& choice) const {
    std::vector<Candidate> tried = search_.tried;
    std::vector<size_t> among;
    for (size_t c = 0; c < tried.size(); ++c) {
      Candidate& one = tried[c];
      const auto& saes = seeds_[choice.seed];
      if (std::find(saes.begin(), saes.end(), one.set.sae) == saes.end()) continue;
      among.push_back(c);
      one.set =
          fitted_set(g_.all, one.set.sae, one.set.features(), choice.parts[0], choice.parts[1]);
      one.foretells = true;
      const Paired fall = pair(search_.rows, search_.heard[c], choice.source == 1);
      one.share = fall.before.value > 0 ? fall.difference.value / fall.before.value : 0;
      one.fall = fall.difference;
    }
    if (among.empty())  // none was tried of these SAEs
      return choose_set(g_.all, seeds_[choice.seed], choice.parts[0], choice.parts[1],
                        predicting_.most_features);
    return tried[best_of(tried, among)].set;
  }

  static std::string sae_name(size_t seed) {
    return seed == 0 ? "the first of each site" : "seed " + std::to_string(seed + 1);
  }

  Scored scored(const Choice& choice, size_t part) const {
    const Labelled& some = choice.parts[part];
    return {scores_of(choice.set, g_.all, some.rows), some.positive, some.cluster};
  }

  bool over_nuisance(const Choice& choice) const {
    const Nuisance nuisance = best_nuisance(g_, choice.parts);
    return auroc_difference(scored(choice, 2), nuisance.test, options_.seed, kReplicates).low > 0;
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

  Paired pair(std::span<const int64_t> rows, const std::vector<steer::Heard>& after,
              bool filter) const {
    std::vector<steer::Heard> was, is;
    for (size_t i = 0; i < after.size(); ++i) {
      was.push_back(seen(g_.all.heard[static_cast<size_t>(rows[i])], filter));
      is.push_back(seen(after[i], filter));
    }
    return paired(g_, mode_, rows, was, is, options_);
  }

  Column causal_column(const Choice& choice, bool to_mean) {
    const bool filter = choice.source == 1;
    last_causal_ = pair(causal_.rows, run_.heard[choice.edits[to_mean ? 1 : 0]], filter).difference;
    return last_causal_.low > 0 && last_causal_.value > controls_95(filter) ? Column::passed
                                                                            : Column::failed;
  }

  double controls_95(bool filter) {
    double& known = controls_[filter ? 1 : 0];
    if (std::isnan(known)) {
      std::vector<double> sizes;
      for (const auto& heard : causal_.controls.heard)
        sizes.push_back(std::abs(pair(causal_.rows, heard, filter).difference.value));
      known = sizes.empty() ? 1 : quantile(sizes, .95);
    }
    return known;
  }

  void add(const Choice& choice, bool to_mean, Column causes, int measure) {
    constexpr const char* kMeasures[] = {"AUROC", "correlation at dev's best threshold",
                                         "correlation at dev's prevalence"};
    OrderedJson spec;
    spec["at"] = {sae_name(choice.seed),
                  choice.drawn ? "clusters resampled" : "all",
                  choice.source == 1 ? "after Whisper's filter" : "text as decoded",
                  kChosenBy[choice.both ? 1 : 0],
                  to_mean ? "to the mean" : "to zero",
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
    spec["predictive"] = std::isfinite(value) ? OrderedJson(value) : OrderedJson();
    spec["causal"] =
        std::isfinite(last_causal_.value) ? OrderedJson(last_causal_.value) : OrderedJson();
    specs_.push_back(std::move(spec));
  }

  const Gathered& g_;
  const FailureMode& mode_;
  const Search& search_;
  const Causal& causal_;
  Wording verdict_;
  const Laboratory& lab_;
  std::span<const std::vector<size_t>> seeds_;
  CausalOptions options_;
  const PredictiveOptions& predicting_;
  std::vector<std::vector<uint8_t>> labels_;
  std::vector<Choice> choices_;
  ArmRun run_;
  Estimate last_causal_;
  double controls_[2] = {std::nan(""), std::nan("")};
  OrderedJson specs_ = OrderedJson::array();
  int64_t supporting_ = 0, computable_ = 0;
};

}  // namespace

OrderedJson multiverse(const Gathered& gathered, const FailureMode& mode, const Predictive& primary,
                       const Search& search, const Causal& causal, Wording verdict,
                       const Laboratory& lab, std::span<const std::vector<size_t>> seeds,
                       const CausalOptions& options, const PredictiveOptions& predicting) {
  if (!primary.measured() || !causal.measured())
    return {{"measured", false},
            {"why", "the primary analysis has no mechanism to vary: " +
                        (primary.measured() ? causal.why_not : primary.why_not)}};
  return Multiverse(gathered, mode, search, causal, verdict, lab, seeds, options, predicting).run();
}

}  // namespace otoscope::audit
