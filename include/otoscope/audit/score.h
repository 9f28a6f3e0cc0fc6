#pragma once
/// How well a score foretells a yes: AUROC, average precision and Matthews correlation with
/// intervals that resample clusters, and what no look at all would give (methods.md §7.3, §7.4).

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "otoscope/core/statistics/estimate.h"

namespace otoscope::audit {

/// Scores of cases with their answer and cluster.
struct Scored {
  std::vector<double> score;
  std::vector<uint8_t> positive;
  std::vector<std::string> cluster;
};

struct Score {
  Estimate auroc, ap, mcc;  // mcc: of score > threshold
  double threshold = 0;
};
/// Threshold: fixed before, on other data. One class missing: values are NaN, without ends.
Score score_of(const Scored& scored, double threshold, uint64_t seed, int replicates = 1000);

/// Area under precision over recall, by steps, ties taken together: sum over distinct scores of
/// (recall gained) x precision. weights: one a case, may be zero.
double average_precision(std::span<const double> score, std::span<const uint8_t> positive,
                         std::span<const double> weight = {});
/// The threshold with the largest Matthews correlation (of equal ones the lowest); half way between
/// two scores.
double best_threshold(const Scored& scored);
/// The threshold over which as large a share of scores lies as there are positives.
double prevalence_threshold(const Scored& scored);

/// AUROC of a less that of b on the same cases, clusters resampled.
Estimate auroc_difference(const Scored& a, std::span<const double> b, uint64_t seed,
                          int replicates = 1000);

/// Says yes to everything: precision is the prevalence, its correlation 0.
struct AllPositive {
  double precision = 0, f1 = 0, mcc = 0;
};
AllPositive all_positive(int64_t positives, int64_t n);

}  // namespace otoscope::audit
