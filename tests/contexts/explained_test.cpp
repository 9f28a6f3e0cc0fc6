#include "otoscope/contexts/explained.h"

#include <doctest/doctest.h>

#include <cmath>

#include "contexts/planted.h"
#include "otoscope/contexts/importance.h"

namespace otoscope::contexts {
namespace {

const TestOptions kQuick{.permutations = 19, .replicates = 300, .seed = 2};

/// y = effect [context 1] + slope nuisance + noise; the nuisance is shifted by 1 in context 1.
struct Linear {
  Design design;
  Tensor<float> nuisance, y;
};
Linear linear(double effect, double slope, uint64_t seed) {
  const Planted items = planted({.groups = 60, .items = 2, .columns = 1, .within_group = 0}, seed);
  const int64_t n = items.design.n();
  Linear made{items.design, Tensor<float>(Shape{n, 2}), Tensor<float>(Shape{n, 2})};
  Rng rng(seed, "linear");
  for (int64_t i = 0; i < n; ++i) {
    const double one = items.design.context[static_cast<size_t>(i)];
    made.nuisance.at(i, 0) = static_cast<float>(rng.normal() + one);
    made.nuisance.at(i, 1) = 3;  // constant
    made.y.at(i, 0) = static_cast<float>(
        effect * one + slope * static_cast<double>(made.nuisance.at(i, 0)) + .3 * rng.normal());
    made.y.at(i, 1) = 5;
  }
  return made;
}

TEST_CASE("a difference that a nuisance makes is not left at equal nuisances") {
  const Linear made = linear(0, 1, 21);
  const auto found = explained_by(made.nuisance, made.y, made.design, kQuick);
  CHECK(found[0].raw.low > 0);
  CHECK(found[0].left.low <= 0);
  CHECK(found[0].left.high >= 0);
  CHECK(std::fabs(found[0].share.value) < .2);
  CHECK(found[0].raw.clusters == 120);
}

TEST_CASE("one that it does not make is left whole, also against the nuisance") {
  const Linear made = linear(1, 0, 22);
  const auto found = explained_by(made.nuisance, made.y, made.design, kQuick);
  CHECK(found[0].left.low > 0);
  CHECK(found[0].share.value == doctest::Approx(1).epsilon(.1));
  CHECK(found[0].share.low < 1);
  // The nuisance hides it: nothing to be seen until it is held equal.
  const Linear hidden = linear(1, -1, 23);
  const auto beside = explained_by(hidden.nuisance, hidden.y, hidden.design, kQuick);
  CHECK(std::fabs(beside[0].raw.value) < .4);
  CHECK(beside[0].left.low > .4);
}

TEST_CASE("the difference alone is the difference of means, and constants have none") {
  const Linear made = linear(.5, .5, 24);
  const auto found = explained_by(made.nuisance, made.y, made.design, kQuick);
  double sum[2] = {0, 0}, n[2] = {0, 0}, mean = 0, squares = 0;
  for (int64_t i = 0; i < made.design.n(); ++i) {
    const uint8_t c = made.design.context[static_cast<size_t>(i)];
    sum[c] += static_cast<double>(made.y.at(i, 0)), n[c] += 1;
    mean += static_cast<double>(made.y.at(i, 0)) / static_cast<double>(made.design.n());
  }
  for (int64_t i = 0; i < made.design.n(); ++i)
    squares += std::pow(static_cast<double>(made.y.at(i, 0)) - mean, 2) /
               static_cast<double>(made.design.n());
  CHECK(found[0].raw.value ==
        doctest::Approx((sum[1] / n[1] - sum[0] / n[0]) / std::sqrt(squares)).epsilon(1e-4));
  CHECK(std::isnan(found[1].raw.value));
}

TEST_CASE("few columns carry what few columns were shifted, and the others do not") {
  const Planted items = planted(
      {.groups = 40, .items = 2, .columns = 60, .within_group = 0, .shift = 1.5, .shifted = 3}, 25);
  const int64_t ks[] = {1, 3, 60, 100};
  const auto found = carried_by(items.x, items.design, ks, kQuick);
  REQUIRE(found.size() == 2);
  CHECK(found[0].alone.value > .75);
  CHECK(found[0].without.value > .85);  // two are left
  CHECK(found[1].alone.value > .9);
  CHECK(found[1].without.low < .5);
  CHECK(found[1].alone.clusters == 80);
}

TEST_CASE("where nothing differs, what is chosen on training items does not look better") {
  const Planted items = planted({.groups = 40, .items = 2, .columns = 300}, 26);
  const int64_t ks[] = {5};
  const auto found = carried_by(items.x, items.design, ks, kQuick);
  CHECK(found[0].alone.low <= .5);
  CHECK(found[0].alone.high >= .5);
}

}  // namespace
}  // namespace otoscope::contexts
