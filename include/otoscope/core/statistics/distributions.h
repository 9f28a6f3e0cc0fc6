#pragma once
/// Distribution functions and their inverses, to about 1e-12 relative.

#include <cstdint>

namespace otoscope {

double normal_cdf(double x);
/// 0 < p < 1.
double normal_quantile(double p);
/// Regularised incomplete beta function I_x(a, b) by its continued fraction (a, b > 0).
double incomplete_beta(double a, double b, double x);
/// x with I_x(a, b) = p.
double beta_quantile(double a, double b, double p);
/// Student's t, df > 0, 0 < p < 1. t_.975(2) = 4.303.
double student_t_quantile(double p, double df);
/// P(X <= k) for X ~ binomial(n, p).
double binomial_cdf(int64_t k, int64_t n, double p);

}  // namespace otoscope
