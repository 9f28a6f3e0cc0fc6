#include "otoscope/core/statistics/bootstrap.h"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>
#include <vector>

#include "core/simulated_clusters.h"
#include "otoscope/core/statistics/proportions.h"
#include "otoscope/core/threads.h"

namespace otoscope {

using testing::Clusters;
using testing::coverage;
using testing::simulate;
TEST_CASE("cluster bootstrap intervals hold the truth in 93 to 97 of 100 studies") {
  const double held = coverage(60, 1000, 300);
  CHECK(held >= .93);
  CHECK(held <= .97);
}

TEST_CASE("with few clusters the t interval keeps its coverage") {
  for (const int64_t clusters : {5, 10, 19}) {
    CAPTURE(clusters);
    const double held = coverage(clusters, 3000, 400);
    CHECK(held >= .93);
    CHECK(held <= .97);
  }
}

TEST_CASE("resampling items as if they were independent would be too short") {
  // The guard against the usual mistake: the same data, each item its own cluster.
  const Clusters c = simulate(60, 5);
  const Estimate right = bootstrap_ratio(c.numerator, c.denominator, c.items, 1);
  std::vector<double> numerator, denominator;
  for (size_t i = 0; i < c.numerator.size(); ++i)
    for (int j = 0; j < static_cast<int>(c.denominator[i]); ++j) {
      numerator.push_back(c.numerator[i] / c.denominator[i]);
      denominator.push_back(1);
    }
  const Estimate wrong = bootstrap_ratio(numerator, denominator, c.items, 1);
  CHECK(wrong.value == doctest::Approx(right.value));
  CHECK((right.high - right.low) > 2 * (wrong.high - wrong.low));
}

TEST_CASE("intervals depend on the seed and not on the number of threads") {
  const Clusters c = simulate(40, 9);
  const int before = threads();
  set_threads(1);
  const Estimate one = bootstrap_ratio(c.numerator, c.denominator, c.items, 3);
  set_threads(3);
  const Estimate three = bootstrap_ratio(c.numerator, c.denominator, c.items, 3);
  const Estimate other = bootstrap_ratio(c.numerator, c.denominator, c.items, 4);
  set_threads(before);
  CHECK(one.low == three.low);
  CHECK(one.high == three.high);
  CHECK(one.low != other.low);
  CHECK(one.method == "cluster bootstrap");
  CHECK(one.clusters == 40);
  CHECK(one.n == c.items);
}

TEST_CASE("a paired difference draws both systems from the same clusters") {
  const Clusters c = simulate(50, 11);
  std::vector<double> shifted = c.numerator;
  for (size_t i = 0; i < shifted.size(); ++i) shifted[i] += .25 * c.denominator[i];
  const Estimate e = bootstrap_paired_ratio(shifted, c.numerator, c.denominator, c.items, 1);
  CHECK(e.value == doctest::Approx(.25));
  CHECK(e.high - e.low < 1e-9);
}

TEST_CASE("the t interval of equal clusters is the textbook's") {
  // Mean of 1..5: s = sqrt(2.5), t_.975(4) = 2.776445.
  const std::vector<double> numerator{1, 2, 3, 4, 5}, denominator{1, 1, 1, 1, 1};
  const Estimate e = bootstrap_ratio(numerator, denominator, 5, 1);
  CHECK(e.value == 3.0);
  CHECK(e.high == doctest::Approx(3 + 2.776445 * std::sqrt(2.5 / 5)).epsilon(1e-6));
  CHECK(e.low == doctest::Approx(3 - 2.776445 * std::sqrt(2.5 / 5)).epsilon(1e-6));
  CHECK(e.method == "t over leave-one-cluster-out pseudo-values");
}

TEST_CASE("nothing, one cluster and undefined replicates are said") {
  CHECK(std::isnan(bootstrap_ratio({}, {}, 0, 1).value));
  const std::vector<double> one{3}, two{2};
  const Estimate single = bootstrap_ratio(one, two, 9, 1);
  CHECK(single.value == 1.5);
  CHECK(std::isnan(single.low));
  // A rare event: many draws have no denominator at all.
  std::vector<double> numerator(25, 0.0), denominator(25, 0.0);
  numerator[0] = denominator[0] = 1;
  const Estimate rare = bootstrap_ratio(numerator, denominator, 25, 1);
  CHECK(rare.low == 1.0);
  CHECK(rare.method.find("replicates undefined") != std::string::npos);
}

}  // namespace otoscope
