#pragma once
/// Normalisations of one row that cannot be folded into the weights (formats.md §4.2).

#include "otoscope/core/tensor.h"
#include "otoscope/sae/sae.h"

namespace otoscope::sae {

/// What undoes a row's normalisation: xhat_raw = xhat * multiply + add.
struct RowScale {
  float multiply = 1.0f, add = 0.0f;
};

/// constant_norm_rescale: out = x sqrt(d)/||x||.  layer_norm: out = (x - mean)/(std + 1e-5), std
/// with n - 1, undone without the 1e-5, as SAELens does. out may be x, or null to learn the scale
/// only.
RowScale normalize_row(Normalize how, const float* x, int64_t d, float* out);

}  // namespace otoscope::sae
