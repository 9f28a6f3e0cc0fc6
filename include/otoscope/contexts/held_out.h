#pragma once
/// A ridge discriminant on a Gram matrix computed once (Saunders, Gammerman & Vovk 1998, ICML: the
/// dual form). Columns are standardised and folds are cut without looking at contexts, so what was
/// held out is scored by one fixed matrix times the labels: a permutation repeats the whole fit at
/// the cost of one product.

#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/core/tensor.h"

namespace otoscope::contexts {

/// (n, p) -> (n, n) inner products of columns brought to mean 0 and variance 1 over all items,
/// divided so that the mean of the diagonal is 1. Constant columns are left out; if all are, zeros.
Tensor<double> gram_of(View<const float> x);
/// The mean of two: each table weighs the same, however many columns it has.
Tensor<double> mean_gram(View<const double> a, View<const double> b);
/// The Gram matrix at `places`.
Tensor<double> part_of(View<const double> gram, std::span<const int64_t> places);

/// Scores of `test` by a discriminant fitted on `train`, contexts +-1, ridge in units of the
/// training Gram's mean diagonal, no intercept (a threshold is not needed). Training without both
/// contexts gives zeros.
std::vector<double> scores_of(View<const double> gram, std::span<const uint8_t> context,
                              std::span<const int64_t> train, std::span<const int64_t> test,
                              double ridge = 1);

class HeldOut {
 public:
  /// fold: (n). Every item is scored by the discriminant of the other folds.
  HeldOut(View<const double> gram, std::vector<int32_t> fold, double ridge = 1);
  /// (n)
  std::vector<double> scores(std::span<const uint8_t> context) const;
  const std::vector<int32_t>& fold() const { return fold_; }

 private:
  Tensor<double> operator_;  // (n, n)
  std::vector<int32_t> fold_;
};

/// AUROC over pairs of one fold (scores of different folds are of different discriminants), item i
/// counted weight[i] times (empty: once). .5 for ties, NaN where no fold holds both contexts.
double folded_auroc(std::span<const double> scores, std::span<const uint8_t> context,
                    std::span<const int32_t> fold, std::span<const int32_t> weight = {});

}  // namespace otoscope::contexts
