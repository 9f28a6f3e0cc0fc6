#pragma once
/// Intervals by resampling clusters (methods.md §10.2). Results depend on the seed alone: not on
/// threads.

#include <cstdint>
#include <functional>
#include <span>

#include "otoscope/core/statistics/estimate.h"

namespace otoscope {

/// Recomputes the whole statistic (a ratio of sums, say) when cluster c counts multiplicity[c]
/// times. Called from several threads at once. May return NaN where it is undefined; such
/// replicates are left out and counted in `method`.
using ClusterStatistic = std::function<double(std::span<const int32_t> multiplicity)>;

/// Cluster bootstrap, percentile 95 %. Fewer than 20 clusters: percentile intervals are too short,
/// so value -+ t(clusters - 1) * standard error of the leave-one-out pseudo-values, and `method`
/// says so. One cluster: no interval.
Estimate cluster_bootstrap(int64_t clusters, int64_t n_items, const ClusterStatistic& statistic,
                           uint64_t seed, int replicates = 2000);
/// The common case: ratio of sums, sum(numerator)/sum(denominator), per cluster sums given.
Estimate bootstrap_ratio(std::span<const double> numerator, std::span<const double> denominator,
                         int64_t n_items, uint64_t seed, int replicates = 2000);
/// Paired difference of two ratios on the same clusters and denominators: (a - b).
Estimate bootstrap_paired_ratio(std::span<const double> a, std::span<const double> b,
                                std::span<const double> denominator, int64_t n_items, uint64_t seed,
                                int replicates = 2000);

}  // namespace otoscope
