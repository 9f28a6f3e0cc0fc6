#include "otoscope/audit/score.h"

#include <doctest/doctest.h>

#include <cmath>

#include "otoscope/core/rng.h"
#include "otoscope/core/statistics.h"

namespace otoscope::audit {
namespace {

Scored random_scores(int n, double shift, uint64_t seed) {
  Scored scored;
  Rng rng(seed, "scores");
  for (int i = 0; i < n; ++i) {
    scored.positive.push_back(i % 3 == 0 ? 1 : 0);
    scored.score.push_back(rng.normal() + (i % 3 == 0 ? shift : 0));
    scored.cluster.push_back("c" + std::to_string(i / 2));
  }
  return scored;
}

}  // namespace

TEST_CASE("average precision of hand cases, ties together") {
  const auto ap = [](std::vector<double> score, std::vector<uint8_t> positive) {
    return average_precision(score, positive);
  };
  CHECK(ap({3, 2, 1}, {1, 0, 1}) == doctest::Approx((1. + 2. / 3) / 2));
  CHECK(ap({1, 1, 1, 1}, {1, 0, 0, 0}) == doctest::Approx(.25));  // all tied: the prevalence
  CHECK(ap({1, 2}, {1, 0}) == doctest::Approx(.5));
  CHECK(std::isnan(ap({1, 2}, {0, 0})));
  // A weight of two is the case twice.
  CHECK(average_precision(std::vector<double>{3, 2, 1}, std::vector<uint8_t>{1, 0, 1},
                          std::vector<double>{1, 2, 1}) ==
        doctest::Approx(ap({3, 2, 2, 1}, {1, 0, 0, 1})));
}

TEST_CASE("a score's values are those of the plain formulas, inside their intervals") {
  const Scored scored = random_scores(300, 1, 3);
  const double threshold = best_threshold(scored);
  const Score score = score_of(scored, threshold, 1, 500);
  CHECK(score.auroc.value == doctest::Approx(auroc(scored.score, scored.positive)));
  CHECK(score.ap.value == doctest::Approx(average_precision(scored.score, scored.positive)));
  for (const Estimate* e : {&score.auroc, &score.ap, &score.mcc}) {
    CHECK(e->low < e->value);
    CHECK(e->value < e->high);
    CHECK(e->clusters == 150);
  }
  CHECK(score.auroc.low > .6);
}

TEST_CASE("a score that knows nothing has AUROC one half and no correlation within its interval") {
  const Scored scored = random_scores(400, 0, 5);
  const Score score = score_of(scored, 0, 1, 500);
  CHECK(score.auroc.low < .5);
  CHECK(score.auroc.high > .5);
  CHECK(score.mcc.low < 0);
  CHECK(score.mcc.high > 0);
}

TEST_CASE("ties count half in the difference too") {
  Scored scored = random_scores(200, 1, 9);
  for (double& s : scored.score) s = std::round(s);
  const std::vector<double> flat(200, 0);
  const Estimate difference = auroc_difference(scored, flat, 1, 300);
  CHECK(difference.value == doctest::Approx(auroc(scored.score, scored.positive) - .5));
  CHECK(auroc_difference(scored, scored.score, 1, 300).high == doctest::Approx(0));
}

TEST_CASE("thresholds: the best one separates, the other takes as many as there are positives") {
  Scored scored{{1, 2, 3, 4}, {0, 0, 1, 1}, {"a", "b", "c", "d"}};
  CHECK(best_threshold(scored) == 2.5);
  CHECK(prevalence_threshold(scored) == 2.5);
  scored.positive = {1, 0, 1, 1};
  CHECK(prevalence_threshold(scored) == 1.5);
}

TEST_CASE("the base-rate trap: yes to everything has a fine F1 and no correlation") {
  // 272 of 388 (methods.md §7.4).
  const AllPositive yes = all_positive(272, 388);
  CHECK(yes.f1 == doctest::Approx(.824).epsilon(.001));
  CHECK(yes.mcc == 0);
  CHECK(matthews(268, 113, 4, 3) == doctest::Approx(.038).epsilon(.01));
}

}  // namespace otoscope::audit
