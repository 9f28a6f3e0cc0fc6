#include "otoscope/contexts/overlap.h"

#include <doctest/doctest.h>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"

namespace otoscope::contexts {
namespace {

/// 40 clips, 200 features of which those from `first` on to first + 10 have an effect.
circuits::Attribution circuit(int first, uint64_t seed, int clips = 40) {
  circuits::Attribution a;
  a.clusters = clips;
  circuits::SiteAttribution site;
  site.features = 200;
  site.effects = Tensor<float>(Shape{clips, 200});
  Rng rng(seed, "overlap");
  for (int64_t i = 0; i < clips; ++i) {
    a.cluster.push_back(static_cast<int32_t>(i));
    for (int64_t j = 0; j < 200; ++j)
      site.effects.at(i, j) =
          static_cast<float>(.3 * rng.normal() + (j >= first && j < first + 10 ? 1.0 : 0.0));
  }
  a.sites.push_back(std::move(site));
  return a;
}

TEST_CASE("the same circuit on both sides overlaps as halves of one side do") {
  const auto found = circuit_overlap(circuit(0, 1), circuit(0, 2), {.size = 10, .seed = 3});
  CHECK(found.whole > .9);
  CHECK(found.within[0].value > .9);
  CHECK(found.across.value > .9);
  CHECK(found.lost.low <= 0);
  CHECK(found.correlation > .8);
  CHECK(found.chance == doctest::Approx(.5 / 19.5));
}

TEST_CASE("another circuit is seen, by as much as it is another") {
  const auto half = circuit_overlap(circuit(0, 1), circuit(5, 2), {.size = 10, .seed = 3});
  CHECK(half.whole == doctest::Approx(5.0 / 15).epsilon(.2));
  CHECK(half.lost.low > .4);
  const auto none = circuit_overlap(circuit(0, 1), circuit(100, 2), {.size = 10, .seed = 3});
  CHECK(none.across.value < .1);
  CHECK(none.lost.low > .7);
}

TEST_CASE("too few clips are refused") {
  CHECK_THROWS_AS(circuit_overlap(circuit(0, 1, 3), circuit(0, 2)), UserError);
}

}  // namespace
}  // namespace otoscope::contexts
