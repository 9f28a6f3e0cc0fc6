#pragma once
/// TopK, BatchTopK and Matryoshka share one pass: a dense encoder product by slices of rows, a
/// selection, then only what was selected is touched (methods.md §2.3, 2.4, 2.7).

#include <memory>

#include "otoscope/kernels/gemm.h"
#include "otoscope/sae/loss.h"
#include "sae/arch/auxk.h"
#include "sae/arch/select.h"

namespace otoscope::sae {

class SparseLoss : public Loss {
 public:
  /// widths, weights: the prefixes whose reconstructions are summed; the last width is F.
  SparseLoss(const LossOptions& options, std::unique_ptr<Selector> selector, Activation activation,
             std::vector<int64_t> widths, std::vector<double> weights);
  LossTerms run(const Sae& sae, View<const float> x, View<const float> y, const StepState& state,
                Gradients& gradients) override;
  Activation activation() const override { return activation_; }
  std::vector<int64_t> prefixes() const override { return widths_; }

 private:
  void encode(const Sae& sae, const StepState& state);
  void backward(const Sae& sae, View<const float> y, Gradients& gradients, LossTerms& terms);

  LossOptions options_;
  std::unique_ptr<Selector> selector_;
  Activation activation_;
  std::vector<int64_t> widths_;
  std::vector<double> weights_;
  AuxK auxk_;
  SparseRows codes_;
  Tensor<float> xc_, pre_, g_;
  std::vector<float> dvalue_;
  std::vector<double> squared_;
  int64_t rows_ = 0;
};

}  // namespace otoscope::sae
