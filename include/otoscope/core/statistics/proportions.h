#pragma once
/// Intervals for counts of independent items. Where items share a cluster use bootstrap.h.

#include <cstdint>

#include "otoscope/core/statistics/estimate.h"

namespace otoscope {

/// Wilson score interval, 95 % (Wilson 1927). 0/100 -> [0, .037]. n = 0: value 0, [0, 1].
Estimate wilson(int64_t successes, int64_t n);
/// Exact interval from beta quantiles, 95 % (Clopper & Pearson 1934): never too short.
Estimate clopper_pearson(int64_t successes, int64_t n);
/// p1 - p2 of independent samples, from two Wilson intervals (Newcombe 1998, method 10).
Estimate difference_of_proportions(int64_t x1, int64_t n1, int64_t x2, int64_t n2);
/// Exact two-sided McNemar test for discordant counts b and c: binomial(b + c, 1/2).
double mcnemar_p(int64_t b, int64_t c);
/// Standard error of an AUROC over independent items (Hanley & McNeil 1982).
double auroc_standard_error(double auroc, int64_t positives, int64_t negatives);

}  // namespace otoscope
