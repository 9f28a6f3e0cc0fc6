#pragma once
/// Principal components: the cheapest linear rival of an SAE, and a control in every table.

#include "otoscope/eval/reconstructor.h"
#include "otoscope/eval/sample.h"

namespace otoscope::eval {

struct Pca {
  std::vector<float> mean;       // (d)
  std::vector<double> variance;  // (d), descending
  Tensor<float> components;      // (d, d), row i the i-th
};

/// From the covariance of a sample (training rows), summed in double block by block.
Pca fit_pca(const Sample& sample);

/// xhat = mean + V_k^T V_k (x - mean): k numbers per row.
class PcaReconstructor : public Reconstructor {
 public:
  PcaReconstructor(const Pca& pca, int64_t k);
  void reconstruct(View<const float> x, View<float> xhat, SparseRows& codes) const override;
  int64_t d_out() const override { return static_cast<int64_t>(mean_.size()); }
  int64_t dense_size() const override { return k_; }

 private:
  int64_t k_;
  std::vector<float> mean_;
  Tensor<float> components_;  // (k, d)
};

/// How many components reach an FVU (of the sample, about its own mean); d + 1 if none do.
int64_t components_for_fvu(const Pca& pca, const Sample& sample, const Moments& moments,
                           double fvu);

}  // namespace otoscope::eval
