#pragma once
/// What one operator does to one row.

#include <cstdint>
#include <vector>

#include "otoscope/steer/operator.h"

namespace otoscope::steer {

/// codes: edited in place; was: as the SAE gave them; at: places of the operator's features among
/// both. item, place: of the row, where another clip's codes are put in.
void edit_codes(const Operator& op, const std::vector<size_t>& at, const float* was, float* codes,
                int64_t item, int64_t place);

/// Adds to `delta` (d) what an operator on directions does to row x + delta.
void edit_direction(const Operator& op, int64_t d, const float* x, float* delta);

}  // namespace otoscope::steer
