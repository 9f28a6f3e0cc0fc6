#include "otoscope/core/statistics/ranks.h"

#include <doctest/doctest.h>

#include <cmath>

#include "otoscope/core/rng.h"

namespace otoscope {

TEST_CASE("AUROC with ties equals the count over all pairs") {
  Rng rng(1, "auroc");
  for (int run = 0; run < 20; ++run) {
    std::vector<double> scores(150);
    std::vector<uint8_t> positive(150);
    for (size_t i = 0; i < scores.size(); ++i) {
      positive[i] = rng.below(3) == 0;
      scores[i] = static_cast<double>(rng.below(8)) + positive[i];  // few values: many ties
    }
    double wins = 0, pairs = 0;
    for (size_t i = 0; i < scores.size(); ++i)
      for (size_t j = 0; j < scores.size(); ++j)
        if (positive[i] && !positive[j]) {
          pairs += 1;
          wins += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? .5 : 0;
        }
    CHECK(auroc(scores, positive) == doctest::Approx(wins / pairs).epsilon(1e-13));
  }
  const std::vector<double> flat{1, 1, 1};
  const std::vector<uint8_t> some{1, 0, 1}, none{0, 0, 0};
  CHECK(auroc(flat, some) == .5);
  CHECK(auroc(flat, none) == .5);
}

TEST_CASE("ranks share ties, and Spearman is Pearson over them") {
  const std::vector<double> x{10, 20, 20, 5};
  CHECK(mid_ranks(x) == std::vector<double>{2, 3.5, 3.5, 1});
  const std::vector<double> up{1, 2, 3, 4}, squares{1, 4, 9, 16}, down{4, 3, 2, 1};
  CHECK(spearman(up, squares) == doctest::Approx(1));
  CHECK(spearman(up, down) == doctest::Approx(-1));
  // 1 - 6 sum d^2 / (n (n^2 - 1)) without ties: d = (0, 1, 1, 0)
  const std::vector<double> swapped{1, 3, 2, 4};
  CHECK(spearman(up, swapped) == doctest::Approx(1 - 6.0 * 2 / (4 * 15)));
  const std::vector<double> constant{2, 2, 2, 2};
  CHECK(spearman(up, constant) == 0.0);
  CHECK(pearson({}, {}) == 0.0);
}

TEST_CASE("Matthews correlation of published counts") {
  CHECK(matthews(50, 0, 0, 50) == 1.0);
  CHECK(matthews(0, 50, 50, 0) == -1.0);
  CHECK(matthews(10, 0, 0, 0) == 0.0);
  // 2510.02917: a detector that flags nearly everything (methods.md §7.4).
  CHECK(matthews(268, 113, 4, 3) == doctest::Approx(.038).epsilon(.01));
  // By hand: (20*30 - 10*40) / sqrt(30*60*40*70)
  CHECK(matthews(20, 10, 40, 30) == doctest::Approx(200 / std::sqrt(30.0 * 60 * 40 * 70)));
  // Products of counts near 1e9 would overflow 64-bit integers.
  CHECK(matthews(2000000000, 1000000000, 4000000000, 3000000000) ==
        doctest::Approx(matthews(20, 10, 40, 30)));
}

TEST_CASE("quantiles interpolate between order statistics") {
  CHECK(quantile({4, 1, 3, 2}, 0.5) == 2.5);
  CHECK(quantile({4, 1, 3, 2}, 0.0) == 1.0);
  CHECK(quantile({4, 1, 3, 2}, 1.0) == 4.0);
  CHECK(quantile({1, 2, 3, 4, 5}, 0.1) == doctest::Approx(1.4));
  CHECK(quantile({7}, 0.3) == 7.0);
  CHECK(std::isnan(quantile({}, 0.5)));
}

}  // namespace otoscope
