#pragma once
/// Rewriting an SAE into other units without changing what it computes (methods.md §0).

#include "otoscope/sae/joint.h"

namespace otoscope::sae {

/// The SAE was trained on s_in x and reconstructs s_out y; afterwards it takes x and gives y.
/// Form B of methods.md §0: encoder and decoder rows keep their norm where s_in = s_out, and the
/// codes become raw units (f' = f / s_out).
void fold_scale(Sae& sae, double s_in, double s_out);
/// Form A: codes and thresholds keep their units, the matrices take the scale.
void fold_scale_into_weights(Sae& sae, double s_in, double s_out);
/// The same for a dictionary of several sites whose rows were multiplied by Port::scale: columns of
/// W_enc, and of W_dec and b_dec, take their site's; codes and thresholds keep their units.
void fold_ports(Joint& joint);
/// Decoder rows become unit vectors, codes take their norms. Rows of zeros stay.
void fold_decoder_norms(Sae& sae);

}  // namespace otoscope::sae
