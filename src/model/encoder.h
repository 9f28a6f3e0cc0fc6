#pragma once
/// The encoder's pass (methods.md §1.3), from any of its residual sites to its output.

#include "model/layers.h"

namespace otoscope::model {

/// mel: (B, 2 ctx, mels) -> encoder.out (B, ctx, d)
Tensor<float> run_encoder(const Weights& w, const Probe& probe, View<const float> mel);

/// The same taken up with x (B, ctx, d) as the value of a residual site.
Tensor<float> resume_encoder(const Weights& w, const Probe& probe, const Site& from,
                             View<const float> x);

}  // namespace otoscope::model
