#pragma once
/// Rank statistics and agreement.

#include <cstdint>
#include <span>
#include <vector>

namespace otoscope {

/// Ranks from 1; equal values share the mean of their ranks. A NaN is an assert.
std::vector<double> mid_ranks(std::span<const double> x);
/// Mid-rank AUROC: ties count half. .5 where a class is empty.
double auroc(std::span<const double> scores, std::span<const uint8_t> positive);
/// Pearson correlation of mid-ranks, 0 where a side is constant.
double spearman(std::span<const double> x, std::span<const double> y);
double pearson(std::span<const double> x, std::span<const double> y);
/// 2x2 counts -> Matthews correlation, 0 if a factor is 0.
double matthews(int64_t tp, int64_t fp, int64_t fn, int64_t tn);
/// Linear interpolation between order statistics (Hyndman & Fan's type 7). Empty: NaN.
double quantile(std::vector<double> values, double q);

}  // namespace otoscope
