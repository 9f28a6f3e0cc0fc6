#pragma once
/// The norm that a crosscoder's features are ranked by, n_j = sum_s ||d_j^s|| over its sites. A
/// code can be made larger and its decoder row smaller without changing anything, so rows are held
/// at n_j = sqrt(S) (the unit row where all sites share alike) and ranking by f_j n_j is ranking by
/// f_j.

#include <vector>

#include "otoscope/core/tensor.h"

namespace otoscope::sae {

/// ||d_j^s|| of each row and site.   W: (F, S d) -> (F, S)
Tensor<float> site_norms(View<const float> W, int64_t S);
/// Takes from these rows of G what would change n_j: the direction (d^s / ||d^s||)_s.
void project_out_summed_norm(View<float> G, View<const float> D, int64_t S,
                             View<const int32_t> rows);
/// Scales every row to n_j = sqrt(S). A row of zeros stays.
void normalize_summed_norm(View<float> W, int64_t S);

}  // namespace otoscope::sae
