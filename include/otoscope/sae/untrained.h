#pragma once
/// The control that any dictionary would do: the weights that training starts from.

#include "otoscope/sae/train.h"

namespace otoscope::sae {

/// The initial weights of a BatchTopK training with these (resolved) options, with the threshold
/// that lets k features a row fire on the source's dev rows; in raw units.
Sae untrained_sae(const TrainOptions& resolved, const TrainData& data);
/// The same for data of several sites.
Joint untrained_joint(const TrainOptions& resolved, const TrainData& data);

}  // namespace otoscope::sae
