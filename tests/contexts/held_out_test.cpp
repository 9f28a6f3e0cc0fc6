#include "otoscope/contexts/held_out.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "contexts/cholesky.h"
#include "contexts/planted.h"

namespace otoscope::contexts {
namespace {

TEST_CASE("a factored system is solved") {
  const int64_t n = 17, m = 5;
  Rng rng(3, "system");
  Tensor<double> G(Shape{n, n}), A(Shape{n, n}), X(Shape{n, m}), B(Shape{n, m});
  for (int64_t i = 0; i < G.size(); ++i) G[i] = rng.normal();
  for (int64_t i = 0; i < X.size(); ++i) X[i] = rng.normal();
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t k = 0; k < n; ++k) A.at(i, j) += G.at(i, k) * G.at(j, k);
      A.at(i, j) += i == j ? 0.1 : 0;
    }
  for (int64_t i = 0; i < n; ++i)
    for (int64_t c = 0; c < m; ++c)
      for (int64_t k = 0; k < n; ++k) B.at(i, c) += A.at(i, k) * X.at(k, c);
  REQUIRE(factor(A));
  solve(A, B);
  for (int64_t i = 0; i < B.size(); ++i) CHECK(B[i] == doctest::Approx(X[i]).epsilon(1e-8));
  Tensor<double> negative(Shape{2, 2});
  negative.at(0, 0) = 1;
  negative.at(1, 1) = -1;
  CHECK_FALSE(factor(negative));
}

/// Ridge regression on explicit centred columns, by normal equations.
std::vector<double> by_hand(View<const float> x, std::span<const uint8_t> context,
                            std::span<const int64_t> train, std::span<const int64_t> test,
                            double lambda) {
  const int64_t p = x.shape[1];
  const auto n = static_cast<double>(train.size());
  std::vector<double> mean(static_cast<size_t>(p), 0);
  for (const int64_t i : train)
    for (int64_t j = 0; j < p; ++j)
      mean[static_cast<size_t>(j)] += static_cast<double>(x.at(i, j)) / n;
  Tensor<double> A(Shape{p, p}), b(Shape{p, 1});
  const auto c = [&](int64_t i, int64_t j) {
    return static_cast<double>(x.at(i, j)) - mean[static_cast<size_t>(j)];
  };
  for (const int64_t i : train)
    for (int64_t j = 0; j < p; ++j) {
      for (int64_t k = 0; k < p; ++k) A.at(j, k) += c(i, j) * c(i, k);
      b[j] += c(i, j) * (context[static_cast<size_t>(i)] != 0 ? 1 : -1);
    }
  for (int64_t j = 0; j < p; ++j) A.at(j, j) += lambda;
  REQUIRE(factor(A));
  solve(A, b);
  std::vector<double> scores;
  for (const int64_t i : test) {
    double sum = 0;
    for (int64_t j = 0; j < p; ++j) sum += b[j] * c(i, j);
    scores.push_back(sum);
  }
  return scores;
}

TEST_CASE("the dual form through one Gram matrix equals ridge regression on the columns") {
  const Planted items = planted({.groups = 8, .items = 2, .columns = 6, .shift = 1}, 5);
  Tensor<float> z = items.x.clone();  // standardised as gram_of does
  const int64_t n = items.design.n();
  for (int64_t j = 0; j < 6; ++j) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(z.at(i, j));
    for (int64_t i = 0; i < n; ++i)
      squares += std::pow(static_cast<double>(z.at(i, j)) - sum / static_cast<double>(n), 2);
    for (int64_t i = 0; i < n; ++i)
      z.at(i, j) =
          static_cast<float>((static_cast<double>(z.at(i, j)) - sum / static_cast<double>(n)) /
                             std::sqrt(squares / static_cast<double>(n)));
  }
  std::vector<int64_t> train, test;
  for (int64_t i = 0; i < n; ++i) (i % 4 == 0 ? test : train).push_back(i);
  const Tensor<double> gram = gram_of(items.x);
  double trace = 0;
  for (int64_t i = 0; i < n; ++i) trace += gram.at(i, i);
  CHECK(trace / static_cast<double>(n) == doctest::Approx(1));
  // lambda of the dual form: ridge x mean diagonal of the centred training Gram, in columns' units.
  double diagonal = 0;
  for (const int64_t i : train) {
    double own = 0;
    for (int64_t j = 0; j < 6; ++j) {
      double mean = 0;
      for (const int64_t k : train)
        mean += static_cast<double>(z.at(k, j)) / static_cast<double>(train.size());
      own += std::pow(static_cast<double>(z.at(i, j)) - mean, 2);
    }
    diagonal += own / static_cast<double>(train.size());
  }
  const auto expected = by_hand(z, items.design.context, train, test, 0.7 * diagonal);
  const auto scores = scores_of(gram, items.design.context, train, test, 0.7);
  for (size_t i = 0; i < scores.size(); ++i)
    CHECK(scores[i] == doctest::Approx(expected[i]).epsilon(1e-4));

  // And the matrix that serves all permutations equals a fit for each fold.
  std::vector<int32_t> fold;
  for (int64_t i = 0; i < n; ++i) fold.push_back(i % 4 == 0 ? 0 : 1);
  const HeldOut held_out(gram, fold, 0.7);
  Rng rng(1, "labels");
  auto context = items.design.context;
  for (int repeat = 0; repeat < 3; ++repeat) {
    const auto all = held_out.scores(context);
    const auto refit = scores_of(gram, context, train, test, 0.7);
    for (size_t i = 0; i < test.size(); ++i)
      CHECK(all[static_cast<size_t>(test[i])] == doctest::Approx(refit[i]).epsilon(1e-9));
    for (uint8_t& c : context) c = static_cast<uint8_t>(rng.below(2));
  }
}

TEST_CASE("columns that do not vary change nothing, and none at all give zeros") {
  const Planted items = planted({.groups = 5, .items = 2, .columns = 4}, 6);
  const int64_t n = items.design.n();
  Tensor<float> wider(Shape{n, 6}), constant(Shape{n, 2});
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < 4; ++j) wider.at(i, j) = items.x.at(i, j);
    wider.at(i, 4) = 1234.5f;
    constant.at(i, 0) = 3;
  }
  const auto a = gram_of(items.x), b = gram_of(wider), none = gram_of(constant);
  for (int64_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-6));
  for (int64_t i = 0; i < none.size(); ++i) CHECK(none[i] == 0);
}

TEST_CASE("AUROC over pairs of one fold, ties half, items weighted") {
  const std::vector<double> scores = {0, 1, 2, 2, 5, 4};
  const std::vector<uint8_t> context = {0, 1, 0, 1, 0, 1};
  const std::vector<int32_t> fold = {0, 0, 0, 0, 1, 1};
  // Fold 0: (1>0) 1, (1>2) 0, (2>0) 1, (2>2) .5 of 4; fold 1: 0 of 1.
  CHECK(folded_auroc(scores, context, fold) == doctest::Approx(2.5 / 5));
  const std::vector<int32_t> weight = {2, 1, 0, 1, 1, 0};
  CHECK(folded_auroc(scores, context, fold, weight) == doctest::Approx(1));
  CHECK(std::isnan(folded_auroc(scores, std::vector<uint8_t>(6, 1), fold)));
}

}  // namespace
}  // namespace otoscope::contexts
