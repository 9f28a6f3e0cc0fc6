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

/// Both layers of a block's MLP: out = down gelu(up x + up_bias) + down_bias, x the site `…ln2`.
/// fp32; live as long as the model.
struct MlpLayers {
  View<const float> up, up_bias;      // (neurons, d), (neurons)
  View<const float> down, down_bias;  // (d, neurons), (d)
};
MlpLayers mlp_layers(const Whisper& model, Stack stack, int block);

}  // namespace otoscope::model
