#pragma once
/// The pass of losses whose codes may be dense (ReLU, JumpReLU, Gated): five products, by slices of
/// rows so that memory does not grow with the batch. Once few entries of a slice are open (soon, in
/// training) one product is left, the encoder's, and the rest touches those entries alone.

#include <span>

#include "otoscope/kernels/sparse.h"
#include "otoscope/sae/loss.h"

namespace otoscope::sae {

/// visit(e, b, f) for entry e of the codes: row b, feature f.
template <class Visit>
void for_entries(const SparseRows& codes, Visit&& visit) {
  for (int64_t b = 0; b < codes.rows(); ++b)
    for (auto e = static_cast<size_t>(codes.indptr[static_cast<size_t>(b)]);
         e < static_cast<size_t>(codes.indptr[static_cast<size_t>(b) + 1]); ++e)
      visit(e, b, int64_t{codes.indices[e]});
}

class DenseLoss : public Loss {
 public:
  explicit DenseLoss(const LossOptions& options) : options_(options) {}
  LossTerms run(const Sae& sae, View<const float> x, View<const float> y, const StepState& state,
                Gradients& gradients) override;

 protected:
  /// One slice of n rows; every array is (n, F).
  struct Slice {
    View<const float> xc, pre, y;
    View<float> codes, da, delta;
    const SparseRows* open =
        nullptr;  // where few: all entries above their bounds, with their codes
  };
  virtual void begin(const Sae& sae, Gradients& gradients) = 0;
  /// Of feature f: where pre is not above it, code and delta are 0 and da is not read. There da
  /// holds nothing once a slice is sparse.
  virtual float bound(const Sae& sae, int64_t f) const = 0;
  /// codes from pre.
  virtual void activate(const Sae& sae, const Slice& slice) = 0;
  /// delta = d loss / d pre, from da = d reconstruction / d codes; penalties and other parameters'
  /// gradients are added here. Per-feature sums must run over the rows in order.
  virtual void backward(const Sae& sae, const Slice& slice, Gradients& gradients) = 0;
  /// After all slices, with b_enc's gradient = sum of delta: terms.sparsity, terms.auxiliary and
  /// what depends on the whole batch.
  virtual void end(const Sae& sae, Gradients& gradients, LossTerms& terms) = 0;
  LossOptions options_;
  double rows_ = 0;
  double scale_ = 0;               // sparsity coefficient of this step
  std::span<const int32_t> dead_;  // of this step

 private:
  /// Fills entries_; false where more entries are open than the sparse form is quicker for.
  bool find_open(const Slice& slice);
  /// da and the weights' gradients over the entries of entries_.
  void sparse_da(const Sae& sae, View<const float> g, View<float> da);
  void sparse_weights(const Slice& slice, View<const float> g, View<const float> xc, bool first,
                      Gradients& gradients);

  Tensor<float> xc_, pre_, codes_, da_, delta_, g_, sums_, rest_;
  std::vector<float> bounds_, values_;
  SparseRows entries_;
};

}  // namespace otoscope::sae
