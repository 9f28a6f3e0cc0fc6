#include <doctest/doctest.h>

#include <array>

#include "otoscope/core/statistics.h"

namespace otoscope {

TEST_CASE("one stratum is Fisher's exact test, by hand") {
  // The lady tasting tea: 8 cups, 4 with milk first, 4 chosen. C(8, 4) = 70.
  CHECK(overlap_p(std::array{Overlap{8, 4, 4, 4}}) == doctest::Approx(1.0 / 70).epsilon(1e-12));
  CHECK(overlap_p(std::array{Overlap{8, 4, 4, 3}}) == doctest::Approx(17.0 / 70).epsilon(1e-12));
  CHECK(overlap_p(std::array{Overlap{8, 4, 4, 0}}) == doctest::Approx(1.0));
  // 3 of 3 in 280: C(277, 0) / C(280, 3).
  CHECK(overlap_p(std::array{Overlap{280, 3, 3, 3}}) ==
        doctest::Approx(1.0 / (280.0 * 279 * 278 / 6)).epsilon(1e-10));
}

TEST_CASE("strata are convolved, not pooled") {
  // Two strata with 1 of 4 marked and 1 drawn each: both hit with 1/16, at least one with 7/16.
  const Overlap hit{4, 1, 1, 1}, miss{4, 1, 1, 0};
  CHECK(overlap_p(std::array{hit, hit}) == doctest::Approx(1.0 / 16));
  CHECK(overlap_p(std::array{hit, miss}) == doctest::Approx(7.0 / 16));
  CHECK(overlap_p(std::array{miss, miss}) == doctest::Approx(1.0));
  // A stratum where everything fires can tell nothing, though its label is everywhere.
  CHECK(overlap_p(std::array{hit, Overlap{50, 50, 50, 50}}) == doctest::Approx(0.25));
  CHECK(overlap_p({}) == 1.0);
}

TEST_CASE("large margins neither overflow nor lose the tail") {
  const double p = overlap_p(std::array{Overlap{100000, 300, 300, 300}});
  CHECK(p >= 0);
  CHECK(p < 1e-300);
  CHECK(overlap_p(std::array{Overlap{100000, 50000, 50000, 25000}}) ==
        doctest::Approx(0.5).epsilon(0.01));
}

}  // namespace otoscope
