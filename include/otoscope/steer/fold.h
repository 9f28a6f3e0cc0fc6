#pragma once
/// A recipe as an edit of weights, where it does the same to every row (docs/steer.md, "As
/// weights").

#include <filesystem>

#include "otoscope/model/convert.h"
#include "otoscope/steer/recipe.h"

namespace otoscope::steer {

/// add of features that need not fire, add_direction and remove_direction are fixed; the SAE of
/// features (sae_folder; empty: where the recipe says) must not normalise row by row. Everything
/// else depends on the row, or with a condition on the window: UserError "[recipe: operator 2] …".
model::WeightEdit weight_edit(const Recipe& recipe, const std::filesystem::path& sae_folder = {});

}  // namespace otoscope::steer
