#include "otoscope/eval/matching.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "otoscope/core/rng.h"

namespace otoscope::eval {
namespace {

double total(View<const double> gain, const std::vector<int64_t>& column_of) {
  double sum = 0;
  for (size_t i = 0; i < column_of.size(); ++i)
    if (column_of[i] >= 0) sum += gain.at(static_cast<int64_t>(i), column_of[i]);
  return sum;
}

/// The best total over all assignments of the shorter side.
double by_enumeration(View<const double> gain) {
  const int64_t n = gain.shape[0], m = gain.shape[1];
  std::vector<int64_t> order(static_cast<size_t>(std::max(n, m)));
  std::iota(order.begin(), order.end(), int64_t{0});
  double best = -1e300;
  do {
    double sum = 0;
    for (int64_t i = 0; i < std::min(n, m); ++i) {
      const int64_t other = order[static_cast<size_t>(i)];
      sum += n <= m ? gain.at(i, other) : gain.at(other, i);
    }
    best = std::max(best, sum);
  } while (std::next_permutation(order.begin(), order.end()));
  return best;
}

}  // namespace

TEST_CASE("the matching is the best of all, for every shape") {
  Rng rng(1, "matching");
  for (int run = 0; run < 60; ++run) {
    const auto n = static_cast<int64_t>(1 + rng.below(6)),
               m = static_cast<int64_t>(1 + rng.below(6));
    CAPTURE(n);
    CAPTURE(m);
    Tensor<double> gain(Shape{n, m});
    for (int64_t i = 0; i < gain.size(); ++i)
      gain[i] = run % 2 == 0 ? rng.normal() : static_cast<double>(rng.below(3));  // ties too
    const auto column_of = best_matching(gain);
    CHECK(total(gain, column_of) == doctest::Approx(by_enumeration(gain)));
    std::vector<int64_t> used;
    for (const int64_t column : column_of)
      if (column >= 0) used.push_back(column);
    CHECK(static_cast<int64_t>(used.size()) == std::min(n, m));
    std::sort(used.begin(), used.end());
    CHECK(std::adjacent_find(used.begin(), used.end()) == used.end());
  }
}

TEST_CASE("a hidden permutation is found among noise") {
  Rng rng(2, "matching");
  const int64_t n = 200, m = 300;
  const auto hidden = rng.permutation(m);
  Tensor<double> gain(Shape{n, m});
  for (int64_t i = 0; i < gain.size(); ++i) gain[i] = .5 * rng.uniform();
  for (int64_t i = 0; i < n; ++i) gain.at(i, hidden[static_cast<size_t>(i)]) += .6;
  const auto column_of = best_matching(gain);
  for (int64_t i = 0; i < n; ++i)
    CHECK(column_of[static_cast<size_t>(i)] == hidden[static_cast<size_t>(i)]);
}

}  // namespace otoscope::eval
