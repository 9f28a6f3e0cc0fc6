#include "otoscope/core/statistics/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/statistics/distributions.h"
#include "otoscope/core/statistics/ranks.h"
#include "otoscope/core/threads.h"

namespace otoscope {
namespace {

constexpr int64_t kFewClusters = 20;
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

Estimate pseudo_value_interval(int64_t clusters, double value, const ClusterStatistic& statistic) {
  Estimate estimate{value, kNone, kNone, 0, clusters, "t over leave-one-cluster-out pseudo-values"};
  const double n = static_cast<double>(clusters);
  std::vector<int32_t> multiplicity(static_cast<size_t>(clusters), 1);
  double sum = 0, squares = 0;
  for (auto& count : multiplicity) {
    count = 0;
    const double pseudo = n * value - (n - 1) * statistic(multiplicity);
    count = 1;
    if (!std::isfinite(pseudo)) return estimate;
    sum += pseudo - value;
    squares += (pseudo - value) * (pseudo - value);
  }
  const double variance = std::max(0.0, (squares - sum * sum / n) / (n - 1));
  const double half = student_t_quantile(0.975, n - 1) * std::sqrt(variance / n);
  estimate.low = value - half;
  estimate.high = value + half;
  return estimate;
}

double weighted(std::span<const double> values, std::span<const int32_t> multiplicity) {
  double sum = 0;
  for (size_t c = 0; c < values.size(); ++c) sum += values[c] * multiplicity[c];
  return sum;
}

double ratio(double numerator, double denominator) {
  return denominator == 0 ? kNone : numerator / denominator;
}

}  // namespace

Estimate cluster_bootstrap(int64_t clusters, int64_t n_items, const ClusterStatistic& statistic,
                           uint64_t seed, int replicates) {
  OTO_ASSERT(clusters >= 0 && replicates > 0);
  if (clusters == 0) return {kNone, kNone, kNone, n_items, 0, "nothing to measure"};
  const auto n = static_cast<size_t>(clusters);
  const double value = statistic(std::vector<int32_t>(n, 1));
  if (clusters == 1) return {value, kNone, kNone, n_items, 1, "one cluster, no interval"};
  if (clusters < kFewClusters) {
    Estimate estimate = pseudo_value_interval(clusters, value, statistic);
    estimate.n = n_items;
    return estimate;
  }

  std::vector<double> drawn(static_cast<size_t>(replicates));
  parallel_ranges(replicates, 32, [&](int64_t begin, int64_t end) {
    std::vector<int32_t> multiplicity(n);
    for (int64_t r = begin; r < end; ++r) {
      Rng rng(seed, name_hash("cluster bootstrap") + static_cast<uint64_t>(r));
      std::fill(multiplicity.begin(), multiplicity.end(), 0);
      for (size_t i = 0; i < n; ++i) ++multiplicity[rng.below(n)];
      drawn[static_cast<size_t>(r)] = statistic(multiplicity);
    }
  });
  const auto undefined = std::erase_if(drawn, [](double x) { return !std::isfinite(x); });
  Estimate estimate{value, kNone, kNone, n_items, clusters, "cluster bootstrap"};
  if (undefined > 0) estimate.method += ", " + std::to_string(undefined) + " replicates undefined";
  if (drawn.empty()) return estimate;
  std::sort(drawn.begin(), drawn.end());
  estimate.low = quantile(drawn, 0.025);
  estimate.high = quantile(std::move(drawn), 0.975);
  return estimate;
}

Estimate bootstrap_ratio(std::span<const double> numerator, std::span<const double> denominator,
                         int64_t n_items, uint64_t seed, int replicates) {
  OTO_ASSERT(numerator.size() == denominator.size());
  return cluster_bootstrap(
      static_cast<int64_t>(numerator.size()), n_items,
      [&](std::span<const int32_t> m) {
        return ratio(weighted(numerator, m), weighted(denominator, m));
      },
      seed, replicates);
}

Estimate bootstrap_paired_ratio(std::span<const double> a, std::span<const double> b,
                                std::span<const double> denominator, int64_t n_items, uint64_t seed,
                                int replicates) {
  OTO_ASSERT(a.size() == b.size() && a.size() == denominator.size());
  return cluster_bootstrap(
      static_cast<int64_t>(a.size()), n_items,
      [&](std::span<const int32_t> m) {
        return ratio(weighted(a, m) - weighted(b, m), weighted(denominator, m));
      },
      seed, replicates);
}

}  // namespace otoscope
