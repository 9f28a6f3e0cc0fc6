#include "otoscope/sae/fold.h"

#include <cmath>

#include "otoscope/kernels/elementwise.h"

namespace otoscope::sae {
namespace {

void multiply(Tensor<float>& x, double factor) {
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(x[i] * factor);
}

}  // namespace

void fold_scale(Sae& sae, double s_in, double s_out) {
  OTO_ASSERT(s_in > 0 && s_out > 0 && sae.normalize == Normalize::none);
  multiply(sae.W_skip, s_in / s_out);
  // z is worth 1/s_out more: W (s_in x) + b over s_out.
  multiply(sae.W_enc, s_in / s_out);
  for (Tensor<float>* bias : {&sae.b_enc, &sae.b_dec, &sae.b_mag, &sae.threshold})
    multiply(*bias, 1.0 / s_out);
}

void fold_scale_into_weights(Sae& sae, double s_in, double s_out) {
  OTO_ASSERT(s_in > 0 && s_out > 0 && sae.normalize == Normalize::none);
  multiply(sae.W_skip, s_in / s_out);
  multiply(sae.W_enc, s_in);
  multiply(sae.W_dec, 1.0 / s_out);
  multiply(sae.b_dec, 1.0 / s_out);
}

void fold_ports(Joint& joint) {
  Sae& sae = joint.sae;
  const std::vector<Port>& outputs = joint.rebuilt();
  OTO_ASSERT(static_cast<int64_t>(outputs.size()) == joint.outputs && !sae.apply_b_dec_to_input);
  const int64_t d = joint.part();
  for (int64_t f = 0; f < sae.F(); ++f) {
    float* e = sae.W_enc.view().row(f);
    for (int64_t i = 0; i < sae.d(); ++i) {
      const int64_t block = joint.cross_layer() ? f / joint.group() : i / d;
      e[i] = static_cast<float>(e[i] * joint.inputs[static_cast<size_t>(block)].scale);
    }
    float* w = sae.W_dec.view().row(f);
    for (int64_t i = 0; i < sae.d_out(); ++i)
      w[i] = static_cast<float>(w[i] / outputs[static_cast<size_t>(i / d)].scale);
  }
  for (int64_t i = 0; i < sae.d_out(); ++i)
    sae.b_dec[i] = static_cast<float>(sae.b_dec[i] / outputs[static_cast<size_t>(i / d)].scale);
}

void fold_decoder_norms(Sae& sae) {
  OTO_ASSERT(!sae.rescale_by_decoder_norm);
  for (int64_t f = 0; f < sae.F(); ++f) {
    float* direction = sae.W_dec.view().row(f);
    const double norm = std::sqrt(kernels::squared_norm({direction, {sae.d_out()}}));
    if (!(norm > 0)) continue;
    for (int64_t i = 0; i < sae.d_out(); ++i)
      direction[i] = static_cast<float>(direction[i] / norm);
    float* encoder = sae.W_enc.view().row(f);
    for (int64_t i = 0; i < sae.d(); ++i) encoder[i] = static_cast<float>(encoder[i] * norm);
    for (Tensor<float>* bias : {&sae.b_enc, &sae.b_mag, &sae.threshold})
      if (!bias->empty()) (*bias)[f] = static_cast<float>((*bias)[f] * norm);
  }
}

}  // namespace otoscope::sae
