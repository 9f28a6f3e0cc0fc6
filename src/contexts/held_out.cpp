#include "otoscope/contexts/held_out.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "contexts/cholesky.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::contexts {
namespace {

/// Standardised columns; returns how many are not constant.
int64_t standardise(View<float> x) {
  const int64_t n = x.shape[0], p = x.shape[1];
  std::vector<uint8_t> varies(static_cast<size_t>(p), 0);
  parallel_ranges(p, 256, [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j) {
      double sum = 0, squares = 0;
      for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x.at(i, j));
      const double mean = sum / static_cast<double>(n);
      for (int64_t i = 0; i < n; ++i) {
        const double centred = static_cast<double>(x.at(i, j)) - mean;
        squares += centred * centred;
      }
      const double deviation = std::sqrt(squares / static_cast<double>(n));
      // Rounding of a constant is no deviation.
      const bool constant = !(deviation > 1e-6 * std::fabs(mean)) || deviation == 0;
      for (int64_t i = 0; i < n; ++i)
        x.at(i, j) = constant
                         ? 0.0f
                         : static_cast<float>((static_cast<double>(x.at(i, j)) - mean) / deviation);
      varies[static_cast<size_t>(j)] = constant ? 0 : 1;
    }
  });
  return std::accumulate(varies.begin(), varies.end(), int64_t{0});
}

/// What a discriminant fitted on `train` makes of `test`: scores = A y_train. -> A^T (train, test)
Tensor<double> fitted(View<const double> gram, std::span<const int64_t> train,
                      std::span<const int64_t> test, double ridge) {
  const auto n = static_cast<int64_t>(train.size()), m = static_cast<int64_t>(test.size());
  Tensor<double> K(Shape{n, n}), B(Shape{n, m});
  std::vector<double> mean(train.size(), 0);  // of each row over the training items
  double grand = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double* row = gram.row(train[static_cast<size_t>(i)]);
    for (int64_t j = 0; j < n; ++j) {
      K.at(i, j) = row[train[static_cast<size_t>(j)]];
      mean[static_cast<size_t>(i)] += K.at(i, j) / static_cast<double>(n);
    }
    grand += mean[static_cast<size_t>(i)] / static_cast<double>(n);
  }
  double diagonal = 0;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < n; ++j)
      K.at(i, j) += grand - mean[static_cast<size_t>(i)] - mean[static_cast<size_t>(j)];
    diagonal += K.at(i, i) / static_cast<double>(n);
  }
  if (!(diagonal > 0)) return B;  // nothing varies: nothing can be said
  for (int64_t i = 0; i < n; ++i) K.at(i, i) += ridge * diagonal;
  for (int64_t t = 0; t < m; ++t) {
    const double* row = gram.row(test[static_cast<size_t>(t)]);
    double own = 0;
    for (int64_t i = 0; i < n; ++i) own += row[train[static_cast<size_t>(i)]];
    own /= static_cast<double>(n);
    for (int64_t i = 0; i < n; ++i)
      B.at(i, t) = row[train[static_cast<size_t>(i)]] - own - mean[static_cast<size_t>(i)] + grand;
  }
  if (!factor(K)) return Tensor<double>(Shape{n, m});
  solve(K, B);
  // Labels are centred too: A y = A (y - mean).
  for (int64_t t = 0; t < m; ++t) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += B.at(i, t);
    for (int64_t i = 0; i < n; ++i) B.at(i, t) -= sum / static_cast<double>(n);
  }
  return B;
}

double label(uint8_t context) { return context == 0 ? -1.0 : 1.0; }

}  // namespace

Tensor<double> gram_of(View<const float> x) {
  Tensor<float> z = Tensor<float>::copy_of(x);
  const int64_t columns = standardise(z);
  const int64_t n = x.shape[0];
  Tensor<float> product(Shape{n, n});
  if (columns > 0) kernels::gemm({z.view()}, kernels::transposed(z.view()), product.view());
  Tensor<double> gram(Shape{n, n});
  const double scale = columns > 0 ? 1.0 / static_cast<double>(columns) : 0;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      gram.at(i, j) =
          scale * 0.5 *
          (static_cast<double>(product.at(i, j)) + static_cast<double>(product.at(j, i)));
  return gram;
}

Tensor<double> mean_gram(View<const double> a, View<const double> b) {
  OTO_ASSERT(a.shape == b.shape);
  Tensor<double> both(a.shape);
  for (int64_t i = 0; i < both.size(); ++i) both[i] = (a[i] + b[i]) / 2;
  return both;
}

Tensor<double> part_of(View<const double> gram, std::span<const int64_t> places) {
  const auto n = static_cast<int64_t>(places.size());
  Tensor<double> part(Shape{n, n});
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      part.at(i, j) = gram.at(places[static_cast<size_t>(i)], places[static_cast<size_t>(j)]);
  return part;
}

std::vector<double> scores_of(View<const double> gram, std::span<const uint8_t> context,
                              std::span<const int64_t> train, std::span<const int64_t> test,
                              double ridge) {
  const Tensor<double> A = fitted(gram, train, test, ridge);
  std::vector<double> scores(test.size(), 0);
  for (size_t i = 0; i < train.size(); ++i)
    for (size_t t = 0; t < test.size(); ++t)
      scores[t] += A.at(static_cast<int64_t>(i), static_cast<int64_t>(t)) *
                   label(context[static_cast<size_t>(train[i])]);
  return scores;
}

HeldOut::HeldOut(View<const double> gram, std::vector<int32_t> fold, double ridge)
    : operator_(gram.shape), fold_(std::move(fold)) {
  const int64_t n = gram.shape[0];
  OTO_ASSERT(static_cast<int64_t>(fold_.size()) == n && ridge > 0);
  const int32_t folds = fold_.empty() ? 0 : *std::max_element(fold_.begin(), fold_.end()) + 1;
  for (int32_t f = 0; f < folds; ++f) {
    std::vector<int64_t> train, test;
    for (int64_t i = 0; i < n; ++i)
      (fold_[static_cast<size_t>(i)] == f ? test : train).push_back(i);
    if (train.empty() || test.empty()) continue;
    const Tensor<double> A = fitted(gram, train, test, ridge);
    for (size_t t = 0; t < test.size(); ++t)
      for (size_t i = 0; i < train.size(); ++i)
        operator_.at(test[t], train[i]) = A.at(static_cast<int64_t>(i), static_cast<int64_t>(t));
  }
}

std::vector<double> HeldOut::scores(std::span<const uint8_t> context) const {
  const int64_t n = operator_.shape()[0];
  OTO_ASSERT(static_cast<int64_t>(context.size()) == n);
  std::vector<double> y(context.size()), scores(context.size(), 0);
  for (size_t i = 0; i < y.size(); ++i) y[i] = label(context[i]);
  for (int64_t i = 0; i < n; ++i) {
    const double* row = operator_.data() + i * n;
    double sum = 0;
    for (int64_t j = 0; j < n; ++j) sum += row[j] * y[static_cast<size_t>(j)];
    scores[static_cast<size_t>(i)] = sum;
  }
  return scores;
}

double folded_auroc(std::span<const double> scores, std::span<const uint8_t> context,
                    std::span<const int32_t> fold, std::span<const int32_t> weight) {
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (fold[a] != fold[b]) return fold[a] < fold[b];
    return scores[a] < scores[b];
  });
  const auto counted = [&](size_t i) {
    return weight.empty() ? 1.0 : static_cast<double>(weight[i]);
  };
  double above = 0, pairs = 0;
  for (size_t at = 0; at < order.size();) {
    const int32_t f = fold[order[at]];
    double zeros = 0, ones = 0;
    while (at < order.size() && fold[order[at]] == f) {
      const double score = scores[order[at]];
      double tied[2] = {0, 0};
      for (; at < order.size() && fold[order[at]] == f && scores[order[at]] == score; ++at)
        tied[context[order[at]]] += counted(order[at]);
      above += tied[1] * (zeros + tied[0] / 2);
      zeros += tied[0];
      ones += tied[1];
    }
    pairs += zeros * ones;
  }
  return pairs > 0 ? above / pairs : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace otoscope::contexts
