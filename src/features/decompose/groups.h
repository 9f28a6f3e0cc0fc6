#pragma once
/// The units of a run and the controls beside them: how each is read, and along what its parts
/// count.

#include <optional>

#include "features/unit_moments.h"
#include "otoscope/features/decompose.h"

namespace otoscope::features {

/// Neurons, directions or coordinates, as the source says. UserError where widths do not fit.
UnitGroup given_units(const store::Store& store, const UnitSource& source, const sae::Sae& sae);

/// `count` random unit vectors of the space that `units` live in.
UnitGroup random_units(const UnitGroup& units, const UnitSource& source, int64_t count,
                       uint64_t seed);

/// Principal axes of the SAE's site; none where the SAE predicts another site, or where the site is
/// so wide that eigenvectors take minutes.
std::optional<UnitGroup> principal_axes(const store::Store& store, const sae::Sae& sae);

}  // namespace otoscope::features
