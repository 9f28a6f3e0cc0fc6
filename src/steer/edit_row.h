#pragma once
/// Rows: what one operator does to one, and their inner product.

#include <cstdint>
#include <vector>

#include "otoscope/steer/operator.h"

namespace otoscope::steer {

/// codes: edited in place; was: as the SAE gave them; at: places of the operator's features among
/// both. item, place: of the row, where another clip's codes are put in.
void edit_codes(const Operator& op, const std::vector<size_t>& at, const float* was, float* codes,
                int64_t item, int64_t place);

/// Inner product in double, in the order of i.
inline double dot(const float* a, const float* b, int64_t d) {
  double sum = 0;
  for (int64_t i = 0; i < d; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

/// Adds to `delta` (d) what an operator on directions does to row x + delta.
void edit_direction(const Operator& op, int64_t d, const float* x, float* delta);

}  // namespace otoscope::steer
