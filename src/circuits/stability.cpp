#include <algorithm>
#include <cmath>

#include "otoscope/circuits/attribution.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/statistics.h"

namespace otoscope::circuits {
namespace {

int64_t common(std::span<const int32_t> a, std::span<const int32_t> b) {
  int64_t n = 0;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) ++n;
    const bool left = a[i] <= b[j], right = b[j] <= a[i];
    i += left, j += right;
  }
  return n;
}

/// The site with every clip counted `times` times: effects (clips) weighted.
SiteAttribution weighted(const SiteAttribution& site, const std::vector<int32_t>& times) {
  SiteAttribution out;
  out.effects = Tensor<float>::copy_of(site.effects.view());
  for (int64_t c = 0; c < out.effects.shape()[0]; ++c)
    for (int64_t f = 0; f < out.effects.shape()[1]; ++f)
      out.effects.at(c, f) *= static_cast<float>(times[static_cast<size_t>(c)]);
  return out;
}

}  // namespace

double jaccard(std::span<const int32_t> a, std::span<const int32_t> b) {
  const int64_t both = common(a, b);
  const int64_t either = static_cast<int64_t>(a.size() + b.size()) - both;
  return either == 0 ? 1.0 : static_cast<double>(both) / static_cast<double>(either);
}

Stability stability_of(const Attribution& attribution, size_t which, int k, uint64_t seed,
                       int replicates) {
  OTO_ASSERT(which < attribution.sites.size() && k > 0 && replicates > 0);
  const SiteAttribution& site = attribution.sites[which];
  const std::vector<int32_t> whole = top_features(site, k);
  Stability out;
  out.k = k;
  const auto contained = [&](int other) {
    const std::vector<int32_t> set = top_features(site, other);
    const size_t small = std::min(set.size(), whole.size());
    return small == 0 ? 1.0 : static_cast<double>(common(set, whole)) / static_cast<double>(small);
  };
  const int step = std::max(1, k / 5);
  out.smaller = contained(std::max(1, k - step));
  out.larger = contained(k + step);

  Rng rng(seed, "stability of circuits");
  const auto clusters = static_cast<uint64_t>(attribution.clusters);
  std::vector<double> overlaps;
  for (int r = 0; r < replicates; ++r) {
    std::vector<int32_t> drawn(static_cast<size_t>(clusters)), times;
    for (uint64_t i = 0; i < clusters; ++i) ++drawn[rng.below(clusters)];
    for (const int32_t cluster : attribution.cluster)
      times.push_back(drawn[static_cast<size_t>(cluster)]);
    overlaps.push_back(jaccard(top_features(weighted(site, times), k), whole));
  }
  for (const double o : overlaps) out.bootstrap.value += o;
  out.bootstrap.value /= replicates;
  out.bootstrap.low = quantile(overlaps, 0.025);
  out.bootstrap.high = quantile(overlaps, 0.975);
  out.bootstrap.n = site.effects.shape()[0];
  out.bootstrap.clusters = attribution.clusters;
  out.bootstrap.method = "mean and central 95 % of the Jaccard index to the set of all clips, " +
                         std::to_string(replicates) + " resamples of clusters";
  // Two random sets of k among those with any effect share k^2/n on average.
  const auto active =
      static_cast<double>(top_features(site, static_cast<int>(site.effects.shape()[1])).size());
  const double shared = active == 0 ? 0 : static_cast<double>(k) * k / active;
  out.chance = shared >= 2 * k - shared ? 1.0 : shared / (2 * k - shared);
  return out;
}

}  // namespace otoscope::circuits
