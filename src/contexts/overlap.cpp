#include "otoscope/contexts/overlap.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/statistics.h"

namespace otoscope::contexts {
namespace {

std::vector<double> mean_effects(const circuits::Attribution& a, std::span<const int64_t> clips) {
  const Tensor<float>& E = a.sites[0].effects;
  std::vector<double> mean(static_cast<size_t>(E.shape()[1]), 0);
  for (const int64_t i : clips)
    for (size_t j = 0; j < mean.size(); ++j)
      mean[j] +=
          static_cast<double>(E.at(i, static_cast<int64_t>(j))) / static_cast<double>(clips.size());
  return mean;
}

/// Ascending ids of those with the largest |mean effect|; features without any are left out.
std::vector<int32_t> listed(const std::vector<double>& mean, int size) {
  std::vector<int32_t> ids;
  for (size_t j = 0; j < mean.size(); ++j)
    if (mean[j] != 0) ids.push_back(static_cast<int32_t>(j));
  std::stable_sort(ids.begin(), ids.end(), [&](int32_t x, int32_t y) {
    return std::fabs(mean[static_cast<size_t>(x)]) > std::fabs(mean[static_cast<size_t>(y)]);
  });
  ids.resize(std::min(ids.size(), static_cast<size_t>(size)));
  std::sort(ids.begin(), ids.end());
  return ids;
}

/// Lists of the two halves of a context's clusters.
struct CircuitHalves {
  std::vector<int32_t> one, other;
};
CircuitHalves halves_of(const circuits::Attribution& a, int size, Rng& rng) {
  std::vector<uint8_t> in_one(static_cast<size_t>(a.clusters), 0);
  const auto order = rng.permutation(a.clusters);
  for (size_t i = 0; i < order.size() / 2; ++i) in_one[static_cast<size_t>(order[i])] = 1;
  std::vector<int64_t> one, other;
  for (size_t i = 0; i < a.cluster.size(); ++i)
    (in_one[static_cast<size_t>(a.cluster[i])] != 0 ? one : other)
        .push_back(static_cast<int64_t>(i));
  return {listed(mean_effects(a, one), size), listed(mean_effects(a, other), size)};
}

Estimate spread_of(const std::vector<double>& draws, int64_t n, int64_t clusters) {
  const double mean =
      std::accumulate(draws.begin(), draws.end(), 0.0) / static_cast<double>(draws.size());
  return {mean,     quantile(draws, .025),      quantile(draws, .975), n,
          clusters, "random halves of clusters"};
}

std::vector<int64_t> all_of(const circuits::Attribution& a) {
  std::vector<int64_t> all(a.cluster.size());
  std::iota(all.begin(), all.end(), int64_t{0});
  return all;
}

/// Expected Jaccard of two random lists of k among n: overlap k k / n.
double chance_of(double k, double n) {
  if (!(n > 0)) return 0;
  const double common = k * k / n;
  return common / (2 * k - common);
}

double correlation_of(const std::vector<double>& x, const std::vector<double>& y) {
  std::vector<double> a, b;
  for (size_t j = 0; j < x.size(); ++j)
    if (x[j] != 0 || y[j] != 0) a.push_back(x[j]), b.push_back(y[j]);
  return pearson(a, b);
}

}  // namespace

CircuitOverlap circuit_overlap(const circuits::Attribution& first,
                               const circuits::Attribution& second, const OverlapOptions& options) {
  OTO_ASSERT(!first.sites.empty() && !second.sites.empty() &&
             first.sites[0].features == second.sites[0].features);
  for (const auto* one : {&first, &second})
    if (one->clusters < 4)
      throw UserError("--circuit", "expected at least 4 independent clips of each context, got " +
                                       std::to_string(one->clusters));
  CircuitOverlap result;
  result.size = options.size;
  result.clips = {static_cast<int64_t>(first.cluster.size()),
                  static_cast<int64_t>(second.cluster.size())};
  result.clusters = {first.clusters, second.clusters};
  std::vector<double> within[2], across, lost;
  for (int draw = 0; draw < options.draws; ++draw) {
    // The same halves of pairs on both sides, and opposite ones compared: what a clip and its copy
    // say alike must not count for the contexts.
    const uint64_t stream = name_hash("contexts: circuit halves") + static_cast<uint64_t>(draw);
    Rng of_first(options.seed, stream), of_second(options.seed, stream);
    const CircuitHalves a = halves_of(first, options.size, of_first),
                        b = halves_of(second, options.size, of_second);
    within[0].push_back(circuits::jaccard(a.one, a.other));
    within[1].push_back(circuits::jaccard(b.one, b.other));
    across.push_back((circuits::jaccard(a.one, b.other) + circuits::jaccard(a.other, b.one)) / 2);
    lost.push_back((within[0].back() + within[1].back()) / 2 - across.back());
  }
  for (const size_t c : {size_t{0}, size_t{1}})
    result.within[c] = spread_of(within[c], result.clips[c], result.clusters[c]);
  const int64_t n = result.clips[0] + result.clips[1], g = first.clusters + second.clusters;
  result.across = spread_of(across, n, g);
  result.lost = spread_of(lost, n, g);
  const auto mean_first = mean_effects(first, all_of(first)),
             mean_second = mean_effects(second, all_of(second));
  result.whole =
      circuits::jaccard(listed(mean_first, options.size), listed(mean_second, options.size));
  result.correlation = correlation_of(mean_first, mean_second);
  int64_t fire = 0;
  for (size_t j = 0; j < mean_first.size(); ++j)
    fire += mean_first[j] != 0 || mean_second[j] != 0 ? 1 : 0;
  result.chance = chance_of(std::min<double>(options.size, static_cast<double>(fire)),
                            static_cast<double>(fire));
  return result;
}

}  // namespace otoscope::contexts
