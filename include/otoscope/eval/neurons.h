#pragma once
/// The MLP's own neurons as a dictionary: the rival of a transcoder that needs no training. At each
/// row the k neurons that move the output most speak, the others say their mean.

#include <vector>

#include "otoscope/eval/reconstructor.h"
#include "otoscope/eval/sample.h"
#include "otoscope/kernels/gemm.h"
#include "otoscope/model/mlp.h"

namespace otoscope::eval {

/// Mean activation of each neuron over the rows of the site before the MLP (`…ln2`).
std::vector<float> mean_neurons(const model::MlpLayers& mlp, const Sample& ln2);

/// x = …ln2 -> xhat = sum_{j in top k of |h_j - m_j| ||w_j||} (h_j - m_j) w_j + W m + b, with
/// h = gelu(up x). With k = all neurons this is the MLP. Codes hold |h_j - m_j|.
class NeuronReconstructor : public Reconstructor {
 public:
  NeuronReconstructor(const model::MlpLayers& mlp, std::vector<float> mean, int64_t k);
  void reconstruct(View<const float> x, View<float> xhat, SparseRows& codes) const override;
  int64_t d_out() const override { return W_.shape()[1]; }
  int64_t features() const override { return W_.shape()[0]; }
  std::span<const float> decoder_norms() const override { return norms_; }

 private:
  kernels::Linear up_;
  Tensor<float> W_;     // (neurons, d)
  Tensor<float> base_;  // (d): W m + b
  std::vector<float> mean_, norms_;
  int64_t k_;
};

}  // namespace otoscope::eval
