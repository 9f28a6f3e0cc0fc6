#pragma once
/// TopK, BatchTopK and Matryoshka share one pass: a dense encoder product, a selection, then only
/// what was selected is touched (methods.md §2.3, 2.4, 2.7).

#include <memory>

#include "otoscope/kernels/gemm.h"
#include "otoscope/sae/loss.h"
#include "sae/arch/auxk.h"

namespace otoscope::sae {

/// What the k largest are taken of: each row, or all rows together.
enum class Selection { row, batch };

class SparseLoss : public Loss {
 public:
  /// widths, weights: the prefixes whose reconstructions are summed; the last width is F.
  SparseLoss(const LossOptions& options, Selection selection, std::vector<int64_t> widths,
             std::vector<double> weights);
  LossTerms run(const Sae& sae, View<const float> x, View<const float> y, const StepState& state,
                Gradients& gradients) override;
  /// BatchTopK runs with a threshold once it is trained.
  Activation activation() const override {
    return selection_ == Selection::row ? Activation::topk : Activation::jumprelu;
  }
  std::vector<int64_t> prefixes() const override { return widths_; }

 private:
  /// x as each source reads it, then what each keeps, in one set of codes.
  void select(const Sae& sae, View<const float> x);
  double revive(const Sae& sae, const StepState& state, View<const float> residual,
                double per_residual, Gradients& gradients);
  void backward(const Sae& sae, View<const float> y, Gradients& gradients, LossTerms& terms);

  LossOptions options_;
  Selection selection_;
  std::vector<int64_t> widths_;
  std::vector<double> weights_;
  AuxK auxk_;
  SparseRows codes_;
  std::vector<SparseRows> parts_;       // by source
  Tensor<float> xc_, g_, rest_, span_;  // xc_: (sources, B, d)
  std::vector<float> dvalue_;
  std::vector<double> squared_;
  int64_t rows_ = 0;
};

}  // namespace otoscope::sae
