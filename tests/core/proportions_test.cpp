#include "otoscope/core/statistics/proportions.h"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

namespace otoscope {
namespace {

bool within(double got, double want, double tolerance) {
  return std::fabs(got - want) <= tolerance;
}

}  // namespace

TEST_CASE("Wilson intervals equal the published table") {
  struct Row {
    int64_t x, n;
    double low, high, digits;
  };
  for (const Row& row : {Row{0, 100, 0, .037, 5e-4}, Row{0, 300, 0, .0126, 5e-5},
                         Row{5, 100, .0215, .1118, 5e-5}, Row{14, 100, .085, .221, 5e-4},
                         Row{141, 1000, .121, .164, 5e-4}, Row{3, 388, .0026, .0225, 5e-5}}) {
    CAPTURE(row.x);
    CAPTURE(row.n);
    const Estimate got = wilson(row.x, row.n);
    CHECK(within(got.low, row.low, row.digits));
    CHECK(within(got.high, row.high, row.digits));
    const Estimate mirror = wilson(row.n - row.x, row.n);
    CHECK(within(mirror.low, 1 - got.high, 1e-12));
    CHECK(within(mirror.high, 1 - got.low, 1e-12));
  }
  CHECK(wilson(0, 0).high == 1.0);
  CHECK(wilson(0, 7).low == 0.0);
  CHECK(wilson(7, 7).high == 1.0);
}

TEST_CASE("Clopper-Pearson has its closed form at the ends and tabulated values between") {
  for (const int64_t n : {1, 10, 299, 100000}) {
    const double upper = 1 - std::pow(.025, 1.0 / static_cast<double>(n));
    CHECK(within(clopper_pearson(0, n).high, upper, 1e-12));
    CHECK(within(clopper_pearson(n, n).low, 1 - upper, 1e-12));
  }
  CHECK(within(clopper_pearson(5, 10).low, .187086, 1e-6));
  CHECK(within(clopper_pearson(5, 10).high, .812914, 1e-6));
  CHECK(within(clopper_pearson(1, 10).low, .002529, 1e-6));
  CHECK(within(clopper_pearson(1, 10).high, .445016, 1e-6));
}

TEST_CASE("Newcombe's own example: 56/70 against 48/80") {
  const Estimate got = difference_of_proportions(56, 70, 48, 80);
  CHECK(within(got.value, .2, 1e-12));
  CHECK(within(got.low, .0524, 5e-5));
  CHECK(within(got.high, .3339, 5e-5));
  const Estimate back = difference_of_proportions(48, 80, 56, 70);
  CHECK(within(back.low, -got.high, 1e-12));
  CHECK(within(back.high, -got.low, 1e-12));
}

TEST_CASE("McNemar by hand") {
  CHECK(within(mcnemar_p(1, 9), 2.0 * (1 + 10) / 1024, 1e-14));
  CHECK(within(mcnemar_p(9, 1), mcnemar_p(1, 9), 0));
  CHECK(within(mcnemar_p(0, 6), 2.0 / 64, 1e-15));
  CHECK(mcnemar_p(5, 5) == 1.0);
  CHECK(mcnemar_p(0, 0) == 1.0);
}

TEST_CASE("Hanley and McNeil's standard errors equal the published table") {
  const int64_t sizes[] = {25, 50, 100, 200, 400};
  const struct {
    double auroc, error[5];
  } rows[] = {{.6, {.080, .057, .040, .028, .020}},
              {.7, {.074, .052, .037, .026, .018}},
              {.8, {.063, .045, .031, .022, .016}},
              {.9, {.046, .032, .023, .016, .011}}};
  for (const auto& row : rows)
    for (int i = 0; i < 5; ++i) {
      CAPTURE(row.auroc);
      CAPTURE(sizes[i]);
      CHECK(within(auroc_standard_error(row.auroc, sizes[i], sizes[i]), row.error[i], 6e-4));
    }
}

}  // namespace otoscope
