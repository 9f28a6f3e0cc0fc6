#include "otoscope/model/mlp.h"

#include "model/weights.h"
#include "otoscope/core/errors.h"

namespace otoscope::model {

View<const float> mlp_output_weight(const Whisper& model, const Site& site) {
  if (site.point != Point::mlp_post)
    throw UserError(site_name(site), "expected a site of neurons (mlp_post), got another",
                    "extract encoder.blocks.N.mlp_post");
  const Weights& weights = model.weights();
  const auto& blocks = site.stack == Stack::encoder ? weights.encoder : weights.decoder;
  OTO_ASSERT(site.block >= 0 && site.block < static_cast<int>(blocks.size()));
  return blocks[static_cast<size_t>(site.block)].mlp.down.weight();
}

}  // namespace otoscope::model
