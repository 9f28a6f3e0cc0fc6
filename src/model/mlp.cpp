#include "otoscope/model/mlp.h"

#include "model/weights.h"
#include "otoscope/core/errors.h"

namespace otoscope::model {
namespace {

const MlpWeights& mlp_of(const Whisper& model, Stack stack, int block) {
  const Weights& weights = model.weights();
  const auto& blocks = stack == Stack::encoder ? weights.encoder : weights.decoder;
  OTO_ASSERT(block >= 0 && block < static_cast<int>(blocks.size()));
  return blocks[static_cast<size_t>(block)].mlp;
}

}  // namespace

View<const float> mlp_output_weight(const Whisper& model, const Site& site) {
  if (site.point != Point::mlp_post)
    throw UserError(site_name(site), "expected a site of neurons (mlp_post), got another",
                    "extract encoder.blocks.N.mlp_post");
  return mlp_of(model, site.stack, site.block).down.weight();
}

MlpLayers mlp_layers(const Whisper& model, Stack stack, int block) {
  const MlpWeights& mlp = mlp_of(model, stack, block);
  return {mlp.up.weight(), mlp.up.bias(), mlp.down.weight(), mlp.down.bias()};
}

}  // namespace otoscope::model
