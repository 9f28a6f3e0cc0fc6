#include "otoscope/circuits/dataset.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "circuits/clip_run.h"
#include "circuits/directions.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"

namespace otoscope::circuits {
namespace {

/// Features of `other` that are features of `own`: the nearest decoder row, if near enough.
std::vector<int32_t> translated(const std::vector<int32_t>& features, const sae::Sae& other,
                                const sae::Sae& own) {
  constexpr double kSame = 0.7;
  std::vector<double> norms(static_cast<size_t>(own.F()));
  const auto norm = [](const float* row, int64_t d) { return std::sqrt(exact_dot(row, row, d)); };
  const int64_t d = own.d_out();
  for (int64_t f = 0; f < own.F(); ++f)
    norms[static_cast<size_t>(f)] = norm(own.W_dec.view().row(f), d);
  std::vector<int32_t> out;
  for (const int32_t f : features) {
    const float* row = other.W_dec.view().row(f);
    const double size = norm(row, d);
    double best = kSame;
    int32_t match = -1;
    for (int64_t g = 0; g < own.F(); ++g) {
      const double scale = size * norms[static_cast<size_t>(g)];
      const double cosine = scale > 0 ? exact_dot(row, own.W_dec.view().row(g), d) / scale : 0;
      if (cosine >= best) best = cosine, match = static_cast<int32_t>(g);
    }
    // Without a match it still counts as one of the other circuit's features.
    out.push_back(match >= 0 ? match : static_cast<int32_t>(own.F()) + f);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(std::max<size_t>(values.size(), 1));
}

/// One site: its circuit, the tests of it, and what other choices find.
class SiteCircuit {
 public:
  SiteCircuit(const model::Whisper& model, const std::vector<const sae::Sae*>& saes,
              std::span<const AttributionClip> choose, std::span<const AttributionClip> test,
              const DatasetOptions& options, uint64_t seed, Progress& progress)
      : model_(model),
        saes_(saes),
        choose_(choose),
        test_(test),
        options_(options),
        seed_(seed),
        progress_(progress) {}

  DatasetSite run() {
    const SiteSae own = with_reference(*saes_[0], options_.reference);
    const Attribution all = traced(own, choose_, options_.steps);
    const SiteAttribution& first = all.sites[0];
    const std::vector<int32_t> circuit = top_features(first, options_.size);
    DatasetSite out;
    out.site = first.site;
    out.sae = saes_[0]->folder.filename().string();
    out.features = first.features;
    out.circuit = first.top;
    out.predicted = mean_of(first.predicted), out.measured = mean_of(first.measured);
    out.error_effect = mean_of({first.error.begin(), first.error.end()});
    out.stability = stability_of(all, 0, options_.size, seed_);
    const FeatureSet set{circuit, false, false};
    out.checks = check_circuit(model_, std::span(&own, 1), std::span(&set, 1), test_,
                               options_.draws, seed_, progress_);
    std::vector<int32_t> strongest;
    for (const FeatureEffect& one : out.circuit) strongest.push_back(one.feature);
    if (options_.removed > 0) {
      const FeatureSet nothing;
      const std::vector<double> whole =
          metric_with(model_, std::span(&own, 1), std::span(&nothing, 1), test_, progress_);
      out.removed = removed_one_by_one(own, strongest, whole);
      out.removed_at_random = removed_one_by_one(own, other_live_features(first, circuit), whole);
    }

    const auto again = [&](const std::string& what, const Attribution& other) {
      out.again.emplace_back(what, jaccard(circuit, top_features(other.sites[0], options_.size)));
    };
    const bool mean = options_.reference == "mean";
    again(mean ? "reference zero" : "reference mean",
          traced(with_reference(*saes_[0], mean ? "zero" : "mean"), choose_, options_.steps));
    if (options_.steps > 1) again("one step", traced(own, choose_, 1));
    again("other clips (test)", traced(own, test_, options_.steps));
    for (size_t i = 1; i < saes_.size(); ++i) {
      const Attribution other =
          traced(with_reference(*saes_[i], options_.reference), choose_, options_.steps);
      out.again.emplace_back(
          "SAE " + saes_[i]->folder.filename().string(),
          jaccard(circuit,
                  translated(top_features(other.sites[0], options_.size), *saes_[i], *saes_[0])));
    }
    return out;
  }

 private:
  SiteSae with_reference(const sae::Sae& sae, const std::string& reference) const {
    SiteSae site{model::find_site(model_.dims(), sae.site), &sae, {}};
    if (reference == "mean") site.reference = mean_codes(model_, site, choose_, progress_);
    return site;
  }

  Attribution traced(const SiteSae& site, std::span<const AttributionClip> clips, int steps) const {
    AttributionOptions options;
    options.steps = steps, options.top = options_.size, options.seed = seed_;
    return attribute(model_, std::span(&site, 1), clips, options, progress_);
  }

  /// In random order: those that fire on the clips that the circuit was chosen on.
  std::vector<int32_t> other_live_features(const SiteAttribution& site,
                                           std::span<const int32_t> circuit) const {
    std::vector<int32_t> live;
    for (int64_t f = 0; f < site.features; ++f) {
      bool fires = false;
      for (int64_t c = 0; c < site.effects.shape()[0] && !fires; ++c)
        fires = site.effects.at(c, f) != 0;
      if (fires && std::find(circuit.begin(), circuit.end(), f) == circuit.end())
        live.push_back(static_cast<int32_t>(f));
    }
    Rng rng(seed_, "features removed at random");
    std::vector<int32_t> drawn;
    for (const int64_t i : rng.permutation(static_cast<int64_t>(live.size())))
      drawn.push_back(live[static_cast<size_t>(i)]);
    return drawn;
  }

  /// before: the metric of the untouched model, by clip.
  std::vector<std::pair<int32_t, Estimate>> removed_one_by_one(
      const SiteSae& site, std::span<const int32_t> features,
      std::span<const double> before) const {
    std::vector<std::pair<int32_t, Estimate>> removed;
    const Clusters clusters = clusters_of(test_);
    for (size_t i = 0; i < features.size() && static_cast<int>(i) < options_.removed; ++i) {
      const FeatureSet one{{features[i]}, false, false};
      std::vector<double> change =
          metric_with(model_, std::span(&site, 1), std::span(&one, 1), test_, progress_);
      for (size_t c = 0; c < change.size(); ++c) change[c] -= before[c];
      removed.emplace_back(features[i], mean_over_clips(change, clusters, seed_, 2000));
    }
    return removed;
  }

  const model::Whisper& model_;
  const std::vector<const sae::Sae*>& saes_;
  std::span<const AttributionClip> choose_, test_;
  const DatasetOptions& options_;
  uint64_t seed_;
  Progress& progress_;
};

}  // namespace

DatasetCircuit find_circuit(const model::Whisper& model, std::span<const sae::Sae> saes,
                            std::span<const AttributionClip> choose,
                            std::span<const AttributionClip> test, const DatasetOptions& options,
                            uint64_t seed, Progress& progress) {
  if (choose.size() < 2 || test.size() < 2)
    throw UserError("--over", "expected at least 2 clips to choose on and 2 to test on, got " +
                                  std::to_string(choose.size()) + " and " +
                                  std::to_string(test.size()));
  std::vector<std::pair<std::string, std::vector<const sae::Sae*>>> by_site;
  for (const sae::Sae& sae : saes) {
    const auto found = std::find_if(by_site.begin(), by_site.end(),
                                    [&](const auto& entry) { return entry.first == sae.site; });
    if (found == by_site.end())
      by_site.push_back({sae.site, {&sae}});
    else
      found->second.push_back(&sae);
  }
  DatasetCircuit out;
  out.metric = choose[0].metric.name;
  out.chosen_on = static_cast<int64_t>(choose.size());
  out.tested_on = static_cast<int64_t>(test.size());
  out.clusters = clusters_of(choose).count, out.test_clusters = clusters_of(test).count;
  for (const auto& [site, of_site] : by_site)
    out.sites.push_back(SiteCircuit(model, of_site, choose, test, options, seed, progress).run());
  return out;
}

}  // namespace otoscope::circuits
