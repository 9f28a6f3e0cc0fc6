#include "otoscope/core/statistics/proportions.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/core/statistics/distributions.h"

namespace otoscope {
namespace {

constexpr double kZ95 = 1.959963984540054;

}  // namespace

Estimate wilson(int64_t successes, int64_t n) {
  OTO_ASSERT(successes >= 0 && successes <= n);
  if (n == 0) return {0, 0, 1, 0, 0, "wilson"};
  const double N = static_cast<double>(n), p = static_cast<double>(successes) / N;
  const double z2 = kZ95 * kZ95, scale = 1 + z2 / N;
  const double centre = (p + z2 / (2 * N)) / scale;
  const double half = kZ95 * std::sqrt(p * (1 - p) / N + z2 / (4 * N * N)) / scale;
  // At the ends the interval touches 0 and 1 exactly; rounding must not hide it.
  const double low = successes == 0 ? 0 : std::max(0.0, centre - half);
  const double high = successes == n ? 1 : std::min(1.0, centre + half);
  return {p, low, high, n, n, "wilson"};
}

Estimate clopper_pearson(int64_t successes, int64_t n) {
  OTO_ASSERT(successes >= 0 && successes <= n);
  if (n == 0) return {0, 0, 1, 0, 0, "clopper-pearson"};
  const double x = static_cast<double>(successes), N = static_cast<double>(n);
  const double low = successes == 0 ? 0 : beta_quantile(x, N - x + 1, 0.025);
  const double high = successes == n ? 1 : beta_quantile(x + 1, N - x, 0.975);
  return {x / N, low, high, n, n, "clopper-pearson"};
}

Estimate difference_of_proportions(int64_t x1, int64_t n1, int64_t x2, int64_t n2) {
  const Estimate a = wilson(x1, n1), b = wilson(x2, n2);
  const double difference = a.value - b.value;
  if (n1 == 0 || n2 == 0) return {difference, -1, 1, n1 + n2, n1 + n2, "newcombe"};
  const double low = difference - std::hypot(a.value - a.low, b.high - b.value);
  const double high = difference + std::hypot(a.high - a.value, b.value - b.low);
  return {difference, low, high, n1 + n2, n1 + n2, "newcombe"};
}

double mcnemar_p(int64_t b, int64_t c) {
  OTO_ASSERT(b >= 0 && c >= 0);
  return b + c == 0 ? 1.0 : std::min(1.0, 2 * binomial_cdf(std::min(b, c), b + c, 0.5));
}

double auroc_standard_error(double auroc, int64_t positives, int64_t negatives) {
  OTO_ASSERT(positives > 0 && negatives > 0);
  const double A = auroc, n1 = static_cast<double>(positives), n0 = static_cast<double>(negatives);
  const double Q1 = A / (2 - A), Q2 = 2 * A * A / (1 + A);
  const double variance = (A * (1 - A) + (n1 - 1) * (Q1 - A * A) + (n0 - 1) * (Q2 - A * A));
  return std::sqrt(std::max(0.0, variance) / (n1 * n0));
}

}  // namespace otoscope
