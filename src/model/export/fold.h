#pragma once
/// Edits of activations as edits of the weights around them.

#include <vector>

#include "model/checkpoint.h"
#include "otoscope/model/convert.h"

namespace otoscope::model {

/// Afterwards every forward of the checkpoint equals, up to rounding, one of the old checkpoint
/// with the edits made at their sites. UserError "[edit.where] …" for what weights cannot hold.
void fold_edits(Checkpoint& checkpoint, const std::vector<WeightEdit>& edits);

}  // namespace otoscope::model
