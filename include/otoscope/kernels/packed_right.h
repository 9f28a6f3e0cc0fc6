#pragma once
/// A matrix that many products share as their right-hand side, each made by one thread.

#include <memory>

#include "otoscope/core/tensor.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::kernels {

/// Unlike other products these may be made inside a parallel loop, by many threads at once: work
/// that is cut into pieces which stay in a core's own cache (attention) needs no thread to wait for
/// another. The bits of a product do not depend on the number of threads.
class PackedRight {
 public:
  PackedRight();
  ~PackedRight();
  PackedRight(PackedRight&&) noexcept;
  PackedRight& operator=(PackedRight&&) noexcept;
  /// scale B, with B: (K, N), or (N, K) with B.transposed.
  PackedRight(Operand B, Precision precision, float scale = 1.0f);

  /// C = A (scale B).   A: (M, K)   C: (M, N)
  void multiply(View<const float> A, View<float> C) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;

  friend void attend(View<const float>, const PackedRight&, const PackedRight&, int64_t,
                     View<float>);
};

/// z = softmax(q keys) values by the calling thread, with the bits of multiply, softmax and
/// multiply one after the other. Query i sees the first `seen` + i keys; at least one.
///
/// q: (M, d)   keys: (d, S)   values: (S, d_v)   z: (M, d_v)
void attend(View<const float> q, const PackedRight& keys, const PackedRight& values, int64_t seen,
            View<float> z);

}  // namespace otoscope::kernels
