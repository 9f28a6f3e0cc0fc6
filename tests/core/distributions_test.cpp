#include "otoscope/core/statistics/distributions.h"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

namespace otoscope {
namespace {

bool within(double got, double want, double tolerance) {
  return std::fabs(got - want) <= tolerance;
}

}  // namespace

TEST_CASE("normal quantiles are tabulated and invert the distribution function") {
  CHECK(within(normal_quantile(.975), 1.959963984540054, 1e-14));
  CHECK(within(normal_quantile(.8), .8416212335729143, 1e-14));
  CHECK(within(normal_quantile(.9), 1.2815515655446004, 1e-14));
  CHECK(normal_quantile(.5) == doctest::Approx(0).epsilon(1e-15));
  for (const double p : {1e-300, 1e-20, 1e-6, .01, .3, .7})
    CHECK(within(normal_cdf(normal_quantile(p)) / p, 1, 1e-12));
}

TEST_CASE("Student t quantiles are tabulated") {
  const struct {
    double df, t;
  } rows[] = {{1, 12.706205}, {2, 4.302653},  {3, 3.182446},   {5, 2.570582},
              {10, 2.228139}, {30, 2.042272}, {100, 1.983972}, {1e7, 1.959964}};
  for (const auto& row : rows) {
    CAPTURE(row.df);
    CHECK(within(student_t_quantile(.975, row.df), row.t, 1e-6));
    CHECK(within(student_t_quantile(.025, row.df), -row.t, 1e-6));
  }
  CHECK(student_t_quantile(.5, 4) == 0.0);
}

TEST_CASE("the incomplete beta function has its closed forms and its mirror") {
  for (const double x : {.001, .2, .5, .77, .999}) {
    CAPTURE(x);
    CHECK(within(incomplete_beta(1, 1, x), x, 1e-14));
    CHECK(within(incomplete_beta(3, 1, x), x * x * x, 1e-14));
    CHECK(within(incomplete_beta(.5, .5, x), 2 / M_PI * std::asin(std::sqrt(x)), 1e-13));
    for (const double a : {.3, 4.0, 5000.0})
      for (const double b : {.7, 20.0, 3000.0})
        CHECK(within(incomplete_beta(a, b, x), 1 - incomplete_beta(b, a, 1 - x), 1e-11));
  }
  CHECK(within(incomplete_beta(2.5, 7, beta_quantile(2.5, 7, .31)), .31, 1e-13));
}

TEST_CASE("the binomial distribution function equals its sum") {
  for (const double p : {.02, .5, .9}) {
    double term = std::pow(1 - p, 30), sum = 0;
    for (int k = 0; k < 30; ++k) {
      sum += term;
      term *= (30.0 - k) / (k + 1) * p / (1 - p);
      CHECK(within(binomial_cdf(k, 30, p), sum, 1e-12));
    }
  }
  CHECK(binomial_cdf(-1, 5, .5) == 0.0);
  CHECK(binomial_cdf(5, 5, .5) == 1.0);
}

}  // namespace otoscope
