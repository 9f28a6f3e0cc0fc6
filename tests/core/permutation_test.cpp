#include "otoscope/core/statistics/permutation.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "otoscope/core/rng.h"
#include "otoscope/core/threads.h"

namespace otoscope {
namespace {

/// Kolmogorov-Smirnov distance of p-values from the uniform distribution.
double distance_from_uniform(std::vector<double> p) {
  std::sort(p.begin(), p.end());
  const double n = static_cast<double>(p.size());
  double largest = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const double rank = static_cast<double>(i);
    largest = std::max({largest, (rank + 1) / n - p[i], p[i] - rank / n});
  }
  return largest;
}

/// Difference of group means, with items inside a group alike.
struct Study {
  std::vector<int32_t> labels;
  std::vector<double> means;
  double operator()(std::span<const int32_t> l) const {
    double sum[2] = {}, count[2] = {};
    for (size_t g = 0; g < l.size(); ++g) sum[l[g]] += means[g], count[l[g]] += 1;
    return std::fabs(sum[1] / count[1] - sum[0] / count[0]);
  }
};

Study study(uint64_t seed, double effect) {
  Rng rng(seed, "study");
  Study s;
  for (int g = 0; g < 24; ++g) {
    s.labels.push_back(g % 2);
    s.means.push_back(rng.normal() + effect * (g % 2));
  }
  return s;
}

}  // namespace

TEST_CASE("group permutation p-values are uniform under the null and small under an effect") {
  std::vector<double> p;
  for (uint64_t run = 0; run < 400; ++run) {
    const Study s = study(run, 0.0);
    p.push_back(group_permutation_p(s.labels, s, run, 199));
  }
  // 1.63/sqrt(n): the 1 % point of Kolmogorov's distribution; + 1/200, the grain of p.
  CHECK(distance_from_uniform(p) < 1.63 / std::sqrt(400.0) + 1.0 / 200);
  const Study s = study(1, 3.0);
  CHECK(group_permutation_p(s.labels, s, 1, 999) == doctest::Approx(.001));
}

TEST_CASE("sign flips: exact by hand, uniform under the null") {
  const std::vector<double> same_sign{1, 2, 3};
  CHECK(sign_flip_p(same_sign, 0) == 2.0 / 8);
  // |sums| of {3,-1}: 4,2,2,4 -> observed 2: all are at least as large.
  const std::vector<double> mixed{3, -1};
  CHECK(sign_flip_p(mixed, 0) == 1.0);
  CHECK(sign_flip_p({}, 0) == 1.0);

  for (const size_t n : {12u, 30u}) {
    std::vector<double> p;
    for (uint64_t run = 0; run < 300; ++run) {
      Rng rng(run, "differences");
      std::vector<double> d(n);
      for (auto& x : d) x = rng.normal();
      p.push_back(sign_flip_p(d, run, 399));
    }
    CHECK(distance_from_uniform(p) < 1.63 / std::sqrt(300.0) + 1.0 / 400);
  }
}

TEST_CASE("exact and drawn sign flips agree") {
  Rng rng(2, "agree");
  std::vector<double> d(20);
  for (auto& x : d) x = rng.normal() + .4;
  const double exact = sign_flip_p(d, 0);
  d.push_back(0.0);  // a cluster without a difference: 21 clusters, so flips are drawn
  const double drawn = sign_flip_p(d, 1, 20000);
  CHECK(drawn == doctest::Approx(exact).epsilon(5 / std::sqrt(20000 * exact)));
}

TEST_CASE("permutation p-values do not depend on the number of threads") {
  const Study s = study(3, 1.0);
  std::vector<double> d(40);
  Rng rng(4, "d");
  for (auto& x : d) x = rng.normal() + .2;
  const int before = threads();
  set_threads(1);
  const double group = group_permutation_p(s.labels, s, 9, 500), flips = sign_flip_p(d, 9, 500);
  set_threads(4);
  CHECK(group_permutation_p(s.labels, s, 9, 500) == group);
  CHECK(sign_flip_p(d, 9, 500) == flips);
  set_threads(before);
}

TEST_CASE("Benjamini-Hochberg: a hand example, and the one of the 1995 article") {
  const std::vector<double> hand{.01, .04, .03, .005};
  const auto adjusted = benjamini_hochberg(hand);
  const double want[] = {.02, .04, .04, .02};
  for (size_t i = 0; i < 4; ++i) CHECK(adjusted[i] == doctest::Approx(want[i]));

  const std::vector<double> article{.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344,
                                    .0459, .3240, .4262, .5719, .6528, .7590, 1.0};
  const auto fdr = benjamini_hochberg(article);
  CHECK(std::count_if(fdr.begin(), fdr.end(), [](double p) { return p <= .05; }) == 4);
  const auto family = holm(article);
  CHECK(std::count_if(family.begin(), family.end(), [](double p) { return p <= .05; }) == 3);
  CHECK(family[0] == doctest::Approx(.0015));
  CHECK(family[14] == 1.0);
  CHECK(benjamini_hochberg({}).empty());
}

}  // namespace otoscope
