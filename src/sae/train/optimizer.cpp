#include "sae/train/optimizer.h"

#include <algorithm>
#include <cmath>

#include "otoscope/kernels/elementwise.h"
#include "otoscope/kernels/rows.h"
#include "sae/train/summed_norm.h"

namespace otoscope::sae {
namespace {

/// Adam moves a threshold, one number, by the rate a step; what it is compared with, a sum over d
/// weights, moves by many times that. At an equal rate the codes fall under their thresholds in the
/// first steps and most features are lost (docs/sae.md, "Defaults").
constexpr double kThresholdRate = 30;

}  // namespace

Optimizer::Optimizer(Sae& sae, Gradients& g, bool unit_norm, bool freeze_decoder, int64_t sites)
    : sae_(sae), gradients_(g), unit_norm_(unit_norm && !freeze_decoder), sites_(sites) {
  const auto add = [&](const char* name, Tensor<float>& value, Tensor<float>& gradient, bool rows) {
    if (!value.empty())
      parameters_.push_back({name, &value, &gradient, Tensor<float>(value.shape()),
                             Tensor<float>(value.shape()), rows});
  };
  add("W_enc", sae.W_enc, g.W_enc, true);
  if (!freeze_decoder) add("W_dec", sae.W_dec, g.W_dec, true);
  add("b_enc", sae.b_enc, g.b_enc, false);
  add("b_dec", sae.b_dec, g.b_dec, false);
  add("threshold", sae.threshold, g.threshold, false);
  add("b_mag", sae.b_mag, g.b_mag, false);
  add("r_mag", sae.r_mag, g.r_mag, false);
  add("W_skip", sae.W_skip, g.W_skip, false);
}

double Optimizer::step(int64_t t, const kernels::AdamOptions& adam, double clip) {
  const std::vector<int32_t>& rows = gradients_.touched;
  const View<const int32_t> touched{rows.data(), {static_cast<int64_t>(rows.size())}};
  const bool summed = unit_norm_ && sites_ > 1;
  if (summed)
    project_out_summed_norm(gradients_.W_dec, sae_.W_dec, sites_, touched);
  else if (unit_norm_)
    kernels::project_out_rows(gradients_.W_dec, sae_.W_dec, touched);
  double squared = 0;
  for (const Parameter& p : parameters_)
    squared += p.rows ? kernels::squared_norm_rows(*p.gradient, touched)
                      : kernels::squared_norm(*p.gradient);
  const double norm = std::sqrt(squared);
  const auto shrink = static_cast<float>(clip > 0 && norm > clip ? clip / norm : 1.0);
  kernels::AdamOptions faster = adam;
  faster.lr *= kThresholdRate;
  for (Parameter& p : parameters_) {
    if (p.rows)
      kernels::adam_step_rows(*p.value, *p.gradient, p.m, p.v, touched, t, adam, shrink,
                              unit_norm_ && !summed && p.value == &sae_.W_dec);
    else
      kernels::adam_step(*p.value, *p.gradient, p.m, p.v, t,
                         p.value == &sae_.threshold ? faster : adam, shrink);
  }
  if (summed) normalize_summed_norm(sae_.W_dec, sites_);
  // A threshold below 0 means what 0 means; there it could not come back.
  for (int64_t f = 0; f < sae_.threshold.size(); ++f)
    sae_.threshold[f] = std::max(sae_.threshold[f], 0.0f);
  return norm;
}

}  // namespace otoscope::sae
