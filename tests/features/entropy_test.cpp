#include "otoscope/features/entropy.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

namespace otoscope::features {

TEST_CASE("the effective number of labels, in closed form") {
  CHECK(senses(std::vector<double>{7}) == 1);
  CHECK(senses(std::vector<double>{5, 5, 5, 5}) == doctest::Approx(4));
  CHECK(senses(std::vector<double>{0, 0}) == 1);
  // H(3/4, 1/4) = 2 - 3/4 log2 3.
  CHECK(entropy_bits(std::vector<double>{3, 0, 1}) == doctest::Approx(2 - 0.75 * std::log2(3.0)));
}

TEST_CASE("equal distributions share all, disjoint ones nothing, whatever their counts") {
  const std::vector<double> a{2, 2, 0}, twice{4, 4, 0}, other{0, 0, 9}, half{1, 0, 1};
  CHECK(shared_distribution(a, twice) == doctest::Approx(1));
  CHECK(shared_distribution(a, other) == doctest::Approx(0));
  // (1/2, 1/2, 0) and (1/2, 0, 1/2): half of the mass is in common.
  CHECK(shared_distribution(a, half) == doctest::Approx(0.5));
  CHECK(std::isnan(shared_distribution(a, std::vector<double>{0, 0, 0})));
}

TEST_CASE("drawings are without replacement and depend on seed and stream alone") {
  std::vector<int32_t> labels(50);
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int32_t>(i);
  auto all = drawn(labels, 50, 1, 2);
  CHECK(all != labels);
  std::sort(all.begin(), all.end());
  CHECK(all == labels);
  CHECK(drawn(labels, 10, 1, 2) == drawn(labels, 10, 1, 2));
  CHECK(drawn(labels, 10, 1, 2) != drawn(labels, 10, 1, 3));
}

TEST_CASE("fewer labels look purer: why only equal counts are compared") {
  std::vector<int32_t> labels;
  for (int i = 0; i < 4000; ++i) labels.push_back(i % 40);
  const double many = senses_at(labels, 40, 4000, 2, 0, 0),
               few = senses_at(labels, 40, 20, 8, 0, 0);
  CHECK(many == doctest::Approx(40));
  CHECK(few < 20);
}

}  // namespace otoscope::features
