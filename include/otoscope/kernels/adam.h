#pragma once
/// Adam (Kingma & Ba 2015, algorithm 1 with bias correction), dense and by rows.

#include "otoscope/core/tensor.h"
#include "otoscope/kernels/sparse.h"

namespace otoscope::kernels {

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double eps = 1e-8;
};

/// m = beta1 m + (1 - beta1) s g,  v = beta2 v + (1 - beta2) (s g)^2,
/// w -= lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps).
/// t counts from 1. s = gradient_scale, for clipping by the global norm without a pass of its own.
/// w, g, m, v: equal sizes.
void adam_step(View<float> w, View<const float> g, View<float> m, View<float> v, int64_t t,
               const AdamOptions& options, float gradient_scale = 1.0f);

/// The same step where only some rows have a gradient: the bits of adam_step with zeros in the
/// other rows of G, which are neither read nor written. The used rows of G are set to 0, ready for
/// the next `+=`. With unit_rows every row of W is divided by its norm on the way (see
/// normalize_rows). W, G, M, V: (F, d)   rows: ascending indices
void adam_step_rows(View<float> W, View<float> G, View<float> M, View<float> V,
                    View<const int32_t> rows, int64_t t, const AdamOptions& options,
                    float gradient_scale = 1.0f, bool unit_rows = false);

/// The features that occur, ascending: the rows that sparse_outer touches.
std::vector<int32_t> touched_rows(const SparseColumns& columns);

}  // namespace otoscope::kernels
