#include "otoscope/core/statistics/distributions.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <numbers>

#include "otoscope/core/errors.h"

namespace otoscope {
namespace {

/// Root of an increasing function on [low, high] by bisection down to neighbouring doubles: slow
/// and safe, and quantiles are asked for a few times a table.
template <class Function>
double increasing_root(double low, double high, double target, Function&& f) {
  for (int i = 0; i < 2000; ++i) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    (f(middle) < target ? low : high) = middle;
  }
  return high;
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22), by Lentz's method.
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  const auto away_from_zero = [](double v) { return std::fabs(v) < kTiny ? kTiny : v; };
  double c = 1.0, d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1));
  double value = d;
  for (int m = 1; m < 100000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    for (const double coefficient : {even, odd}) {
      d = 1.0 / away_from_zero(1.0 + coefficient * d);
      c = away_from_zero(1.0 + coefficient / c);
      value *= c * d;
    }
    if (std::fabs(c * d - 1.0) < 1e-15) break;
  }
  return value;
}

}  // namespace

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

double normal_quantile(double p) {
  OTO_ASSERT(p > 0 && p < 1);
  // The lower tail keeps its digits in erfc; the upper one is its mirror.
  if (p > 0.5) return -normal_quantile(1 - p);
  return increasing_root(-40.0, 0.0, p, normal_cdf);
}

double incomplete_beta(double a, double b, double x) {
  OTO_ASSERT(a > 0 && b > 0);
  if (x <= 0) return 0.0;
  if (x >= 1) return 1.0;
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log1p(-x));
  // The fraction converges fast on this side of the mean only.
  if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
  return 1.0 - front * beta_fraction(b, a, 1 - x) / b;
}

double beta_quantile(double a, double b, double p) {
  OTO_ASSERT(p >= 0 && p <= 1);
  return increasing_root(0.0, 1.0, p, [&](double x) { return incomplete_beta(a, b, x); });
}

double student_t_quantile(double p, double df) {
  OTO_ASSERT(p > 0 && p < 1 && df > 0);
  if (p == 0.5) return 0.0;
  if (p < 0.5) return -student_t_quantile(1 - p, df);
  // P(|T| > t) = I_{df/(df+t^2)}(df/2, 1/2)
  const double x = beta_quantile(df / 2, 0.5, 2 * (1 - p));
  return std::sqrt(df * (1 - x) / std::max(x, std::numeric_limits<double>::min()));
}

double binomial_cdf(int64_t k, int64_t n, double p) {
  if (k < 0) return 0.0;
  if (k >= n) return 1.0;
  return incomplete_beta(static_cast<double>(n - k), static_cast<double>(k + 1), 1 - p);
}

}  // namespace otoscope
