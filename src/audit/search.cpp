#include "audit/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "audit/circuit_clips.h"
#include "otoscope/core/statistics.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {
namespace {

using io::OrderedJson;
using io::to_json;
using steer::Part;

constexpr size_t kSetSizes[] = {1, 4, 16, 64};  // of sets by attribution

/// What the features of a site do to the number that the circuit is asked, on failing train clips.
struct SiteEffect {
  size_t sae = 0;
  std::string metric;
  size_t clips = 0;
  double whole = 0;  // the number of the untouched model
  double moved = 0;  // its change with all features at their reference
  double error = 0;  // first-order change without the SAE's error
};

class Searching {
 public:
  Searching(const Gathered& gathered, const FailureMode& mode, const Laboratory& lab,
            const Predictive& parts, std::span<const size_t> saes, std::span<const size_t> others,
            std::span<const steer::SoundWindow> speech, const SearchOptions& options)
      : g_(gathered),
        mode_(mode),
        lab_(lab),
        parts_(parts),
        saes_(saes),
        others_(others),
        speech_(speech),
        options_(options) {
    out_.rows = gathered.told(Part::dev);
  }

  Search run() {
    if (out_.rows.empty()) {
      out_.json = {{"measured", false}, {"why", "no clip of dev could be judged"}};
      return std::move(out_);
    }
    for (const auto& some : {saes_, others_}) {
      if (parts_.measured()) add_foretelling(some);
      for (const size_t sae : some) add_attributed(sae);
      if (some.data() == saes_.data()) choosable_ = out_.tried.size();
    }
    if (out_.tried.empty()) {
      out_.json = {{"measured", false},
                   {"why", (parts_.measured() ? "no features fire often enough to foretell it"
                                              : "no set can foretell it: " + parts_.why_not) +
                               "; " + no_attribution_}};
      return std::move(out_);
    }
    try_on_dev();
    std::vector<size_t> among(choosable_);
    std::iota(among.begin(), among.end(), size_t{0});
    out_.chosen = best_of(out_.tried, among);
    report();
    return std::move(out_);
  }

 private:
  /// The best of all these SAEs, then the best of each.
  void add_foretelling(std::span<const size_t> some) {
    const auto add = [&](std::span<const size_t> from) {
      Candidate one;
      one.set = choose_set(g_.all, from, parts_.parts[0], parts_.parts[1], options_.most_features);
      one.from = "foretells it";
      if (!one.set.features().empty() && !known(one.set)) out_.tried.push_back(std::move(one));
    };
    if (!some.empty()) add(some);
    for (const size_t& sae : some) add({&sae, 1});
  }

  bool known(const FeatureSet& set) const {
    return std::any_of(out_.tried.begin(), out_.tried.end(), [&](const Candidate& one) {
      return one.set.sae == set.sae && one.set.pool == set.pool &&
             one.set.features() == set.features();
    });
  }

  void add_attributed(size_t sae) {
    const Asked asked = asked_by(mode_);
    if (options_.circuit.clips == 0 || asked == Asked::nothing) {
      no_attribution_ = "no number of one forward is asked";
      return;
    }
    std::vector<int64_t> rows;
    for (const int64_t i : g_.told(Part::train))
      if (g_.fails(i) != 0 && static_cast<int>(rows.size()) < options_.circuit.clips)
        rows.push_back(i);
    const auto clips = circuit_clips(g_, rows, mode_, lab_);
    if (clips.size() < kLeastClips) {
      no_attribution_ =
          fmt::format("{} clips of train fail, fewer than {}", clips.size(), kLeastClips);
      return;
    }
    circuits::SiteSae site{lab_.saes[sae].site, lab_.saes[sae].sae, {}};
    if (options_.circuit.to_mean)
      site.reference = circuits::mean_codes(lab_.model, site, clips, lab_.progress);
    circuits::AttributionOptions how;
    how.steps = options_.circuit.steps;
    how.top = 1;
    how.seed = options_.circuit.seed;
    how.replicates = 100;
    const auto found = circuits::attribute(lab_.model, {&site, 1}, clips, how, lab_.progress);
    const circuits::SiteAttribution& at = found.sites[0];
    const auto mean = [&](const auto& values) {
      double sum = 0;
      for (const auto v : values) sum += static_cast<double>(v);
      return sum / static_cast<double>(clips.size());
    };
    effects_.push_back(
        {sae, found.metric, clips.size(), mean(found.values), mean(at.measured), mean(at.error)});
    // Text or another language is a large number, a missed reference a small one.
    const double sign = asked == Asked::reference ? -1 : 1;
    std::vector<std::pair<double, int32_t>> order;
    for (int64_t j = 0; j < at.features; ++j) {
      double sum = 0;
      for (int64_t c = 0; c < at.effects.shape()[0]; ++c)
        sum += static_cast<double>(at.effects.at(c, j));
      if (sign * sum < 0) order.emplace_back(sign * sum, static_cast<int32_t>(j));
    }
    std::sort(order.begin(), order.end());
    for (const size_t size : kSetSizes) {
      if (size > order.size()) break;
      std::vector<int32_t> features;
      for (size_t i = 0; i < size; ++i) features.push_back(order[i].second);
      std::sort(features.begin(), features.end());
      add_set(sae, features);
    }
  }

  void add_set(size_t sae, const std::vector<int32_t>& features) {
    Candidate one;
    one.from = "holds up what is asked";
    one.foretells = parts_.measured();
    if (one.foretells)
      one.set = fitted_set(g_.all, sae, features, parts_.parts[0], parts_.parts[1]);
    else
      one.set.sae = sae, one.set.detector.features = features;
    out_.tried.push_back(std::move(one));
  }

  void try_on_dev() {
    std::vector<Arm> arms;
    for (const Candidate& one : out_.tried) arms.push_back(ablation(one.set, g_, false));
    for (const SiteEffect& effect : effects_) {
      std::vector<int32_t> all(static_cast<size_t>(lab_.saes[effect.sae].sae->F()));
      std::iota(all.begin(), all.end(), 0);
      arms.push_back({"all features", effect.sae,
                      steer::on_features(steer::Action::ablate, std::move(all), 1)});
    }
    const ArmRun run = lab_.run(g_.for_decoder(out_.rows), arms, false,
                                "looking for the mechanism: sets taken away on dev");
    std::vector<steer::Heard> clean;
    for (const int64_t i : out_.rows) clean.push_back(g_.all.heard[static_cast<size_t>(i)]);
    for (size_t a = 0; a < arms.size(); ++a)
      falls_.push_back(paired(g_, mode_, out_.rows, clean, run.heard[a], options_.causal));
    doses_ = run.dose;
    ArmRun spoken;
    if (!speech_.empty())
      spoken = lab_.run(speech_, arms, true, "looking for the mechanism: the same on speech");
    for (size_t a = 0; a < arms.size(); ++a) {
      double emptied = 0, wrote = 0;
      for (size_t i = 0; i < speech_.size(); ++i) {
        if (!spoken.clean[i].wrote()) continue;
        wrote += 1;
        emptied += spoken.heard[a][i].wrote() ? 0 : 1;
      }
      emptied_.push_back(wrote > 0 ? emptied / wrote : 0);
    }
    for (size_t a = 0; a < out_.tried.size(); ++a) {
      Candidate& one = out_.tried[a];
      one.fall = falls_[a].difference;
      one.dose = run.dose[a];
      one.share = falls_[a].before.value > 0 ? one.fall.value / falls_[a].before.value : 0;
      one.emptied = emptied_[a];
      out_.heard.push_back(run.heard[a]);
    }
  }

  OrderedJson arm_json(size_t a, const std::string& name) const {
    return {{"name", name},
            {"strength", 1},
            {"dose", doses_[a]},
            {"rate", to_json(falls_[a].after)},
            {"difference", to_json(falls_[a].difference)}};
  }
  OrderedJson place_json(size_t sae) const {
    return {{"site", model::site_name(lab_.saes[sae].site)},
            {"sae_sha256", lab_.saes[sae].sae->hash}};
  }

  void report() {
    OrderedJson& json = out_.json;
    json = {{"measured", true},
            {"part", "train proposes, dev chooses"},
            {"windows", out_.rows.size()},
            {"speech", speech_.size()},
            {"chosen_by",
             parts_.measured()
                 ? "the weaker of 2 AUROC - 1 and the share of the rate that falls, less the share "
                   "of clips of speech that lose their text"
                 : "the share of the rate that falls, less the share of clips of speech that lose "
                   "their text"},
            {"chosen", out_.chosen},
            {"tried", OrderedJson::array()},
            {"sites", OrderedJson::array()}};
    for (size_t a = 0; a < out_.tried.size(); ++a) {
      const Candidate& one = out_.tried[a];
      OrderedJson row = place_json(one.set.sae);
      row["features"] = one.set.features();
      row["from"] = one.from;
      row["choosable"] = a < choosable_;
      row["auroc"] = one.foretells ? OrderedJson(one.set.dev_auroc) : OrderedJson();
      row["arm"] = arm_json(a, "to zero");
      row["speech_emptied"] = one.emptied;
      row["score"] = one.score();
      json["tried"].push_back(std::move(row));
    }
    for (size_t e = 0; e < effects_.size(); ++e) {
      const size_t a = out_.tried.size() + e;
      OrderedJson row = place_json(effects_[e].sae);
      row["metric"] = effects_[e].metric;
      row["clips"] = effects_[e].clips;
      row["whole"] = effects_[e].whole;
      row["without_features"] = effects_[e].whole + effects_[e].moved;
      row["without_error"] = effects_[e].whole + effects_[e].error;
      row["all_features"] = arm_json(a, "all features to zero");
      row["speech_emptied"] = emptied_[a];
      json["sites"].push_back(std::move(row));
    }
  }

  static constexpr size_t kLeastClips = 5;

  const Gathered& g_;
  const FailureMode& mode_;
  const Laboratory& lab_;
  const Predictive& parts_;
  std::span<const size_t> saes_, others_;
  std::span<const steer::SoundWindow> speech_;
  const SearchOptions& options_;
  std::string no_attribution_ = "none moves what is asked";
  std::vector<SiteEffect> effects_;
  std::vector<Paired> falls_;  // candidates, then one a site with an effect
  std::vector<double> doses_, emptied_;
  size_t choosable_ = 0;
  Search out_;
};

}  // namespace

double Candidate::score() const {
  return (foretells ? std::min(2 * set.dev_auroc - 1, share) : share) - emptied;
}

size_t best_of(const std::vector<Candidate>& tried, std::span<const size_t> among) {
  size_t best = among.front();
  for (const size_t a : among)
    if (tried[a].score() > tried[best].score()) best = a;
  if (tried[best].score() > 0) return best;
  for (const size_t a : among)
    if (tried[a].from == "foretells it") return a;
  for (const size_t a : among)
    if (tried[a].fall.value > tried[best].fall.value) best = a;
  return best;
}

Search search_mechanism(const Gathered& gathered, const FailureMode& mode, const Laboratory& lab,
                        const Predictive& parts, std::span<const size_t> saes,
                        std::span<const size_t> others, std::span<const steer::SoundWindow> speech,
                        const SearchOptions& options) {
  return Searching(gathered, mode, lab, parts, saes, others, speech, options).run();
}

}  // namespace otoscope::audit
