#pragma once
/// Signals of units against codes of the same rows: what shares and fits are made of.

#include <functional>
#include <vector>

#include "otoscope/features/coded_rows.h"

namespace otoscope::features {

/// Units as they are measured: signals are rows of a store times `mix`, contributions go along
/// `read`.
struct UnitGroup {
  std::string name;
  const store::Store* store = nullptr;
  Tensor<float> mix;   // (U, width of the store); empty: the store's coordinates
  Tensor<float> read;  // (U, d_out of the SAE)

  int64_t units() const { return read.shape()[0]; }
  /// Signals of these rows of the store -> out (n, U).
  void signals(const std::vector<int64_t>& rows, View<float> out) const;
};

/// Means and covariances over rows; signals are kept minus `shift`, so that a large mean costs no
/// digits.
struct UnitMoments {
  int64_t rows = 0;
  std::vector<float> shift;            // (U)
  std::vector<double> mean, variance;  // (U): of the signals minus shift, and their variance
  std::vector<double> feature_mean;    // (F)
  Tensor<float> covariance;            // (F, U): of activation and signal
};
/// shift: (U), or empty: the means of the first block. `each` sees every block of signals.
UnitMoments unit_moments(const UnitGroup& group, const ChosenRows& rows, const SparseRows& codes,
                         int64_t F, std::vector<float> shift,
                         const std::function<void(int64_t first, View<const float> signals)>& each,
                         Progress& progress);

/// Firing rows and values of each feature.
struct FeaturePostings {
  kernels::SparseColumns columns;
  std::vector<float> values;  // in the order of columns
  int64_t rows = 0;

  FeaturePostings(const SparseRows& codes, int64_t F);
  int64_t count(int64_t f) const {
    return columns.indptr[static_cast<size_t>(f) + 1] - columns.indptr[static_cast<size_t>(f)];
  }
  std::span<const int32_t> rows_of(int64_t f) const {
    return {columns.rows.data() + columns.indptr[static_cast<size_t>(f)],
            static_cast<size_t>(count(f))};
  }
  double mean(int64_t f) const;
  double covariance(int64_t f, int64_t g) const;
};

/// Least squares of a unit on a few features: fitted on one side, scored on another.
struct FewFit {
  std::vector<double> slopes;
  double intercept = 0;
};
FewFit fit_few(const UnitMoments& moments, const FeaturePostings& postings, int64_t unit,
               std::span<const int64_t> features);
/// 1 - mean squared error / variance; the signals of both sides have the same shift.
double score_few(const FewFit& fit, const UnitMoments& moments, const FeaturePostings& postings,
                 int64_t unit, std::span<const int64_t> features);

}  // namespace otoscope::features
