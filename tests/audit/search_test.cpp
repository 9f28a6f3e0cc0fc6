#include "audit/search.h"

#include <doctest/doctest.h>

#include "otoscope/core/rng.h"

namespace otoscope::audit {
namespace {

Candidate candidate(double auroc, double share, double emptied = 0,
                    const char* from = "holds up what is asked") {
  Candidate one;
  one.set.dev_auroc = auroc;
  one.share = one.fall.value = share;
  one.emptied = emptied;
  one.from = from;
  return one;
}

}  // namespace

TEST_CASE("the set whose weaker column is best on dev is chosen, and harm to speech counts") {
  const std::vector<Candidate> tried{candidate(.9, .05, 0, "foretells it"), candidate(.6, .9),
                                     candidate(.8, .5), candidate(.9, .9, .8)};
  const std::vector<size_t> all{0, 1, 2, 3}, some{0, 1}, first{0};
  CHECK(tried[2].score() == doctest::Approx(.5));
  CHECK(tried[3].score() == doctest::Approx(0));
  CHECK(best_of(tried, all) == 2);
  CHECK(best_of(tried, some) == 1);
  CHECK(best_of(tried, first) == 0);
}

TEST_CASE("where no set does both, the one that foretells is tried, else what moves it most") {
  std::vector<Candidate> tried{candidate(.7, -.1), candidate(.8, 0, 0, "foretells it")};
  const std::vector<size_t> all{0, 1};
  CHECK(best_of(tried, all) == 1);
  tried[1].from = tried[0].from;
  tried[0].emptied = 1, tried[0].fall.value = .4;
  tried[1].fall.value = .1;
  CHECK(best_of(tried, all) == 0);
  // Nothing foretells: the fall alone decides.
  for (Candidate& one : tried) one.foretells = false, one.emptied = 0;
  tried[0].share = .2, tried[1].share = .3;
  CHECK(best_of(tried, all) == 1);
}

TEST_CASE("given features get weights on train, and the pool that tells dev best") {
  Rng rng(3, "fitted");
  const int64_t n = 90, F = 6;
  steer::Listened all;
  all.pooled.resize(1);
  all.pooled[0].mean = Tensor<float>(Shape{n, F});
  all.pooled[0].max = Tensor<float>(Shape{n, F});
  Labelled train, dev;
  for (int64_t i = 0; i < n; ++i) {
    const auto positive = static_cast<uint8_t>(i % 3 == 0 ? 1 : 0);
    Labelled& part = i < 60 ? train : dev;
    part.rows.push_back(i);
    part.positive.push_back(positive);
    part.cluster.push_back(std::to_string(i));
    for (int64_t j = 0; j < F; ++j) {
      all.pooled[0].mean.at(i, j) = static_cast<float>(rng.normal());
      all.pooled[0].max.at(i, j) = static_cast<float>(rng.normal());
    }
    all.pooled[0].max.at(i, 2) = positive != 0 ? 2.0F : .5F;
  }
  const FeatureSet set = fitted_set(all, 0, {2, 4}, train, dev);
  CHECK(set.features() == std::vector<int32_t>{2, 4});
  CHECK(set.pool == steer::Pool::max);
  CHECK(set.dev_auroc == doctest::Approx(1));
  CHECK(set.detector.model.weights[0] > 0);
  // Other features tell nothing.
  CHECK(fitted_set(all, 0, {1, 3}, train, dev).dev_auroc < .85);
}

}  // namespace otoscope::audit
