#pragma once
/// AuxK (Gao et al., arXiv:2406.04093): dead features reconstruct what the living ones leave over,
///   e = y - xhat (a constant), eh = codes_of_the_dead W_dec without b_dec,
///   L = alpha ||e - eh||^2 / Z,  Z = ||e - mean_B e||^2, both over the batch.

#include <cstdint>
#include <vector>

#include "otoscope/sae/loss.h"

namespace otoscope::sae {

class AuxK {
 public:
  explicit AuxK(const LossOptions& options) : options_(options) {}

  /// residual: (B, d_out - from), xhat - y times `per_residual`, of the columns that the dead
  /// write, from `from` on. xc: (B, d). Adds to the gradient rows of the dead and to b_enc; returns
  /// the loss. Rows in `filled` hold gradients already.
  double run(const Sae& sae, const std::vector<int32_t>& dead, int64_t from,
             View<const float> residual, double per_residual, View<const float> xc,
             const std::vector<uint8_t>& filled, Gradients& gradients);

 private:
  void keep_largest(View<const float> pre, View<float> codes, int64_t k) const;

  LossOptions options_;
  Tensor<float> pre_, codes_, W_, b_, error_, da_, dW_;
};

}  // namespace otoscope::sae
