#pragma once
/// TopK of a large product, screened in low precision and decided in fp32. The result is exactly
/// the TopK of the fp32 scores, where a score is dot(x, W[j,:]) + b[j] by the fixed-order kernel.
///
/// Screen: s = fl(x~ . w~) + b with both rounded to bfloat16. For every pair
///   |s - score| <= ||x - x~|| ||w|| + ||x~|| ||w - w~|| + (rounding of both sums),
/// so that no feature whose upper bound is below the k-th largest lower bound can be chosen. What
/// is left, some 40 of 4,096 at k = 32, is scored in fp32. Where the CPU has no bf16 products the
/// screen is an fp32 product: the same result.

#include <memory>

#include "otoscope/kernels/sparse.h"

namespace otoscope::kernels {

class ScreenedTopK {
 public:
  /// W: (F, d), borrowed; b: (F), copied, or empty for zeros. Packs and measures W: made anew after
  /// each update of W.
  ScreenedTopK(View<const float> W, View<const float> b);
  ~ScreenedTopK();
  ScreenedTopK(ScreenedTopK&&) noexcept;
  ScreenedTopK& operator=(ScreenedTopK&&) noexcept;

  /// As kernels::top_k on the scores: the k largest, those > 0; ties to the lower index; NaN is
  /// smaller than everything. x: (B, d), 0 < k <= F. Returns how many scores were computed in fp32.
  int64_t top_k(View<const float> x, int64_t k, SparseRows& out) const;
  /// The same for kernels::batch_top_k: the k*B largest positive scores of all rows.
  int64_t batch_top_k(View<const float> x, int64_t k, SparseRows& out) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace otoscope::kernels
