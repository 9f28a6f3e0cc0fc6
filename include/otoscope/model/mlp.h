#pragma once
/// What a neuron of an MLP reads and writes, for those who follow it into the stream.

#include "otoscope/core/tensor.h"
#include "otoscope/model/site.h"
#include "otoscope/model/whisper.h"

namespace otoscope::model {

/// The second matrix of a block's MLP, (d, neurons): neuron i, of site `…mlp_post`, adds its
/// activation times column i to the stream. fp32; lives as long as the model. UserError where the
/// site is not in an MLP's middle.
View<const float> mlp_output_weight(const Whisper& model, const Site& mlp_post);

}  // namespace otoscope::model
