#include "otoscope/core/statistics/ranks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "otoscope/core/errors.h"

namespace otoscope {

std::vector<double> mid_ranks(std::span<const double> x) {
  std::vector<size_t> order(x.size());
  std::iota(order.begin(), order.end(), size_t{0});
  for (const double value : x) OTO_ASSERT(!std::isnan(value));
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return x[a] < x[b]; });
  std::vector<double> ranks(x.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin + 1;
    while (end < order.size() && x[order[end]] == x[order[begin]]) ++end;
    const double shared = static_cast<double>(begin + end + 1) / 2;
    for (size_t i = begin; i < end; ++i) ranks[order[i]] = shared;
    begin = end;
  }
  return ranks;
}

double auroc(std::span<const double> scores, std::span<const uint8_t> positive) {
  OTO_ASSERT(scores.size() == positive.size());
  const auto ranks = mid_ranks(scores);
  double n1 = 0, sum = 0;
  for (size_t i = 0; i < ranks.size(); ++i)
    if (positive[i] != 0) n1 += 1, sum += ranks[i];
  const double n0 = static_cast<double>(scores.size()) - n1;
  if (n1 == 0 || n0 == 0) return 0.5;
  return (sum - n1 * (n1 + 1) / 2) / (n1 * n0);
}

double pearson(std::span<const double> x, std::span<const double> y) {
  OTO_ASSERT(x.size() == y.size());
  if (x.empty()) return 0.0;
  const double n = static_cast<double>(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / n;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / n;
  double xx = 0, yy = 0, xy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double dx = x[i] - mean_x, dy = y[i] - mean_y;
    xx += dx * dx, yy += dy * dy, xy += dx * dy;
  }
  const double norm = std::sqrt(xx) * std::sqrt(yy);
  return norm == 0 ? 0.0 : std::clamp(xy / norm, -1.0, 1.0);
}

double spearman(std::span<const double> x, std::span<const double> y) {
  return pearson(mid_ranks(x), mid_ranks(y));
}

double matthews(int64_t tp, int64_t fp, int64_t fn, int64_t tn) {
  const double a = static_cast<double>(tp), b = static_cast<double>(fp),
               c = static_cast<double>(fn), d = static_cast<double>(tn);
  const double norm = std::sqrt((a + b) * (a + c) * (d + b) * (d + c));
  return norm == 0 ? 0.0 : (a * d - b * c) / norm;
}

double quantile(std::vector<double> values, double q) {
  OTO_ASSERT(q >= 0 && q <= 1);
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const double place = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(place);
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(values.begin(), nth, values.end());
  const double low = *nth;
  if (below + 1 >= values.size()) return low;
  const double high = *std::min_element(nth + 1, values.end());
  return low + (place - static_cast<double>(below)) * (high - low);
}

}  // namespace otoscope
