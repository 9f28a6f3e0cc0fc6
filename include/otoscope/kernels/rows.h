#pragma once
/// Norms of rows, and what decoder dictionaries need of them: W: (F, d).

#include "otoscope/core/tensor.h"

namespace otoscope::kernels {

/// norms[f] = ||W[f,:]||, summed in double.   norms: (F)
void row_norms(View<const float> W, View<float> norms);

/// Divides each row by its norm. A row of zeros stays.
void normalize_rows(View<float> W);

/// W[f,:] *= factor[f].   factor: (F)
void scale_rows(View<float> W, View<const float> factor);

/// G[f,:] -= <G[f,:], D[f,:]> D[f,:]: what of a gradient would change the norm of unit rows D.
void project_out_rows(View<float> G, View<const float> D);
/// Only these rows; the others are not read.
void project_out_rows(View<float> G, View<const float> D, View<const int32_t> rows);

/// Sum of squares of these rows, in double.
double squared_norm_rows(View<const float> G, View<const int32_t> rows);

}  // namespace otoscope::kernels
