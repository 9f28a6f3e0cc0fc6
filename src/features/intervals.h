#pragma once
/// Cluster-bootstrap intervals for thousands of ratios at once: the resampled sums of all features
/// are one product, (replicates x clusters) by (clusters x features).

#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/core/statistics.h"

namespace otoscope::features {

/// For each feature f: sum over clusters of numerator / the same of denominator, 95 % percentile
/// interval. numerator, denominator: (C, F), row-major. n of each estimate is its denominator's
/// sum; clusters counts those with a positive denominator. A ratio without denominator is 0 with
/// [0, 1].
std::vector<Estimate> bootstrap_ratios(std::span<const float> numerator,
                                       std::span<const float> denominator, int64_t C, int64_t F,
                                       uint64_t seed, int replicates = 1000);

}  // namespace otoscope::features
