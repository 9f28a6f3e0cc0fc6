#pragma once
/// Rewriting an SAE into other units without changing what it computes (methods.md §0).

#include "otoscope/sae/sae.h"

namespace otoscope::sae {

/// The SAE was trained on s_in x and reconstructs s_out y; afterwards it takes x and gives y.
/// Form B of methods.md §0: encoder and decoder rows keep their norm where s_in = s_out, and the
/// codes become raw units (f' = f / s_out).
void fold_scale(Sae& sae, double s_in, double s_out);
/// Form A: codes and thresholds keep their units, the matrices take the scale.
void fold_scale_into_weights(Sae& sae, double s_in, double s_out);
/// Decoder rows become unit vectors, codes take their norms. Rows of zeros stay.
void fold_decoder_norms(Sae& sae);

}  // namespace otoscope::sae
