#include "audit/circuit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "audit/circuit_clips.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/statistics.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::audit {
namespace {

using io::OrderedJson;
using io::to_json;
using steer::Part;

constexpr int kSizes[] = {1, 4, 16, 64, 256};
constexpr double kEnough = .8;  // of the effect, on dev, for a size to be chosen
constexpr int kShown = 24;      // features in the record
constexpr int kLeastDraws = 20;
/// Bars for a circuit that is found again (methods.md §6.8).
constexpr double kStable = .8, kOverChance = 3;

class CircuitFinding {
 public:
  CircuitFinding(const Gathered& gathered, const FailureMode& mode, const Laboratory& lab,
                 size_t sae, const CircuitOptions& options)
      : g_(gathered), mode_(mode), lab_(lab), options_(options) {
    out_.sae = sae;
  }

  Circuit run() {
    if (const std::string why = not_possible(); !why.empty()) return refused(why);
    const auto dev = clips(Part::dev), test = clips(Part::test);
    if (dev.size() < kLeastClips || test.size() < kLeastClips)
      return refused(fmt::format("{} clips of dev and {} of test fail, fewer than {}", dev.size(),
                                 test.size(), kLeastClips));
    const steer::SiteSae& one = lab_.saes[out_.sae];
    circuits::SiteSae site{one.site, one.sae, {}};
    if (options_.to_mean)
      site.reference = circuits::mean_codes(lab_.model, site, dev, lab_.progress);
    const circuits::Attribution found = attribute(site, dev);
    const std::vector<double> none = with(site, {{}, true, false}, dev);
    // Shares of an effect that may be none say nothing.
    const Estimate effect = effect_of(found.values, none, dev);
    if (!(effect.low > 0 || effect.high < 0))
      return refused(
          fmt::format("on {} clips of dev all features of {} at {} move what is asked "
                      "by {:.3f} [{:.3f}, {:.3f}]: nothing to explain",
                      dev.size(), model::site_name(one.site), reference(), effect.value, effect.low,
                      effect.high));
    choose_size(site, found, mean(none), dev);
    const circuits::FeatureSet set{out_.features, false, false};
    const circuits::CircuitChecks checks = circuits::check_circuit(
        lab_.model, {&site, 1}, {&set, 1}, test, options_.draws, options_.seed, lab_.progress);
    const circuits::Stability stability =
        circuits::stability_of(found, 0, static_cast<int>(out_.features.size()), options_.seed);
    check(checks, stability);
    report(site, found, checks, stability, dev, test);
    return std::move(out_);
  }

 private:
  Circuit refused(const std::string& why) {
    out_.why_not = why;
    out_.json = {{"measured", false}, {"why", why}};
    return std::move(out_);
  }
  std::string not_possible() const {
    if (options_.clips == 0) return "not asked for (--circuit 0)";
    if (asked_by(mode_) == Asked::nothing)
      return "no number of one forward stands for what the predicate looks at";
    return "";
  }

  /// Failing clips of a part, in the order of the hash of their ids.
  std::vector<circuits::AttributionClip> clips(Part part) const {
    std::vector<int64_t> rows;
    for (const int64_t i : g_.told(part))
      if (g_.fails(i) != 0 && static_cast<int>(rows.size()) < options_.clips) rows.push_back(i);
    return circuit_clips(g_, rows, mode_, lab_);
  }

  circuits::Attribution attribute(const circuits::SiteSae& site,
                                  const std::vector<circuits::AttributionClip>& dev) const {
    circuits::AttributionOptions options;
    options.steps = options_.steps;
    options.top = kShown;
    options.seed = options_.seed;
    return circuits::attribute(lab_.model, {&site, 1}, dev, options, lab_.progress);
  }

  const char* reference() const { return options_.to_mean ? "their mean" : "zero"; }

  /// M(model) - M(all features at their reference), clusters resampled.
  Estimate effect_of(const std::vector<double>& whole, const std::vector<double>& none,
                     const std::vector<circuits::AttributionClip>& clips) const {
    std::map<std::string, std::pair<double, double>> sums;
    for (size_t i = 0; i < clips.size(); ++i) {
      auto& [sum, n] = sums[clips[i].cluster];
      sum += whole[i] - none[i];
      n += 1;
    }
    std::vector<double> sum, n;
    for (const auto& [cluster, two] : sums) sum.push_back(two.first), n.push_back(two.second);
    return bootstrap_ratio(sum, n, static_cast<int64_t>(clips.size()), options_.seed);
  }

  /// The fewest of a few sizes that keep four fifths of the effect on dev; else the one with most.
  void choose_size(const circuits::SiteSae& site, const circuits::Attribution& found, double none,
                   const std::vector<circuits::AttributionClip>& dev) {
    const double whole = mean(found.values);
    double best = -INFINITY;
    for (const int size : kSizes) {
      const std::vector<int32_t> features = circuits::top_features(found.sites[0], size);
      if (features.empty() || static_cast<int>(features.size()) < size) break;
      const double kept = mean(with(site, {features, true, false}, dev));
      const double share = whole == none ? 0 : (kept - none) / (whole - none);
      curve_.push_back({{"features", size}, {"faithfulness", share}});
      if (share > best) best = share, out_.features = features;
      if (share >= kEnough) break;
    }
    if (out_.features.empty()) out_.features = circuits::top_features(found.sites[0], 1);
  }

  std::vector<double> with(const circuits::SiteSae& site, const circuits::FeatureSet& set,
                           const std::vector<circuits::AttributionClip>& clips) const {
    return circuits::metric_with(lab_.model, {&site, 1}, {&set, 1}, clips, lab_.progress);
  }
  static double mean(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) /
           static_cast<double>(std::max<size_t>(1, values.size()));
  }

  void check(const circuits::CircuitChecks& c, const circuits::Stability& s) {
    const auto text = [](const Estimate& e) {
      return fmt::format("{:.3f} [{:.3f}, {:.3f}]", e.value, e.low, e.high);
    };
    out_.checks = {
        {"the features of the site move what is asked", c.effect.low > 0 || c.effect.high < 0,
         text(c.effect)},
        {"alone they do more of it than 95 % of random sets",
         c.draws >= kLeastDraws && c.faithfulness.low > 0 && c.beats_random >= .95,
         fmt::format("{} against {:.3f} of {} sets, over {:.0f} % of them", text(c.faithfulness),
                     c.random_faithfulness.value, c.draws, 100 * c.beats_random)},
        {"what is left without them does less than half", c.completeness.high < .5,
         text(c.completeness)},
        {"clusters drawn again give the same set",
         s.bootstrap.value >= kStable && s.bootstrap.value >= kOverChance * s.chance,
         fmt::format("overlap {:.2f} [{:.2f}, {:.2f}] where {:.2f} is wanted, {:.2f} by chance",
                     s.bootstrap.value, s.bootstrap.low, s.bootstrap.high, kStable, s.chance)}};
  }

  static OrderedJson part_json(Part part, const std::vector<circuits::AttributionClip>& clips) {
    std::set<std::string> clusters;
    for (const auto& clip : clips) clusters.insert(clip.cluster);
    return {
        {"part", steer::part_name(part)}, {"clips", clips.size()}, {"clusters", clusters.size()}};
  }

  void report(const circuits::SiteSae& site, const circuits::Attribution& found,
              const circuits::CircuitChecks& c, const circuits::Stability& s,
              const std::vector<circuits::AttributionClip>& dev,
              const std::vector<circuits::AttributionClip>& test) {
    const circuits::SiteAttribution& at = found.sites[0];
    OrderedJson& json = out_.json;
    json = {{"measured", true},
            {"kind", fmt::format("attribution over a data set by integrated gradients in {} steps: "
                                 "not an exact graph",
                                 found.steps)},
            {"metric", found.metric},
            {"reference", options_.to_mean
                              ? "each feature's mean over frames of the clips it was found on"
                              : "zero, the SAE's error kept"},
            {"site", at.site},
            {"sae_sha256", site.sae->hash},
            {"found_on", part_json(Part::dev, dev)},
            {"checked_on", part_json(Part::test, test)},
            {"members", out_.features},
            {"chosen_by",
             "the fewest of a few sizes that keep .8 of the effect on dev, else the "
             "one that keeps most"},
            {"curve", curve_}};
    json["top"] = OrderedJson::array();
    for (const circuits::FeatureEffect& f : at.top)
      json["top"].push_back({{"index", f.feature},
                             {"effect", to_json(f.effect)},
                             {"magnitude", to_json(f.magnitude)},
                             {"activation", f.activation},
                             {"clips", f.clips},
                             {"same_sign", f.same_sign}});
    json["sum_of_effects"] = {{"predicted", mean(at.predicted)}, {"measured", mean(at.measured)}};
    json["error_effect"] = mean({at.error.begin(), at.error.end()});
    json["whole"] = to_json(c.whole);
    json["none"] = to_json(c.none);
    json["effect"] = to_json(c.effect);
    json["faithfulness"] = to_json(c.faithfulness);
    json["completeness"] = to_json(c.completeness);
    json["random"] = {{"draws", c.draws},
                      {"faithfulness", to_json(c.random_faithfulness)},
                      {"beaten", c.beats_random}};
    json["stability"] = {{"features", s.k},
                         {"overlap", to_json(s.bootstrap)},
                         {"of_a_fifth_fewer", s.smaller},
                         {"in_a_fifth_more", s.larger},
                         {"by_chance", s.chance}};
    json["tests"] = audit::to_json(out_.checks);
  }

  static constexpr size_t kLeastClips = 5;

  const Gathered& g_;
  const FailureMode& mode_;
  const Laboratory& lab_;
  const CircuitOptions& options_;
  OrderedJson curve_ = OrderedJson::array();
  Circuit out_;
};

}  // namespace

Circuit find_circuit(const Gathered& gathered, const FailureMode& mode, const Laboratory& lab,
                     size_t sae, const CircuitOptions& options) {
  return CircuitFinding(gathered, mode, lab, sae, options).run();
}

}  // namespace otoscope::audit
