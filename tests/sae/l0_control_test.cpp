#include "sae/train/l0_control.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

using otoscope::sae::L0Control;

namespace {

/// L0 as a training shows it: at rest c / weight^1.2, reached with a delay of 30 steps, from 1,000.
double run(L0Control& control, double c, int steps) {
  double log_l0 = std::log(1000.0);
  for (int i = 0; i < steps; ++i) {
    log_l0 += (std::log(c) - 1.2 * std::log(control.weight()) - log_l0) / 30;
    control.see(std::exp(log_l0));
  }
  return std::exp(log_l0);
}

}  // namespace

TEST_CASE("L0 comes to its target where the first weight is right, too small or too large") {
  for (const double rest : {32.0, 200.0, 8.0}) {  // L0 at the first weight
    CAPTURE(rest);
    L0Control control(32, 0.5);
    const double c = rest * std::pow(0.5, 1.2);
    CHECK(run(control, c, 1000) == doctest::Approx(32).epsilon(.1));
    CHECK(control.weight() == doctest::Approx(std::pow(c / 32, 1 / 1.2)).epsilon(.1));
  }
}

TEST_CASE("the weight stays within bounds whatever L0 does") {
  L0Control never(32, 1.0), always(32, 1.0);
  for (int i = 0; i < 100000; ++i) never.see(0.0), always.see(4096.0);
  CHECK(never.weight() == doctest::Approx(std::exp(-6.0)));
  CHECK(always.weight() == doctest::Approx(std::exp(6.0)));
}

TEST_CASE("a control goes on from its state to the same bits, and takes no other numbers") {
  L0Control whole(32, 0.7), first(32, 0.7), second(32, 0.7);
  for (int i = 0; i < 40; ++i) whole.see(100 + i), first.see(100 + i);
  REQUIRE(second.restore(first.state()));
  for (int i = 40; i < 90; ++i) whole.see(100 - i), second.see(100 - i);
  CHECK(second.weight() == whole.weight());
  CHECK(second.state() == whole.state());

  CHECK_FALSE(second.restore({}));
  CHECK_FALSE(second.restore({1, 2}));
  const auto bits = [](double x) { return std::bit_cast<int64_t>(x); };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double wrong : {nan, 7.0, -1e300}) CHECK_FALSE(second.restore({bits(wrong), 0, 1}));
  CHECK_FALSE(second.restore({0, bits(nan), 1}));
  CHECK(second.state() == whole.state());
}
