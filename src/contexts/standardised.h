#pragma once
/// Columns of a table in units of their own deviation.

#include <cstdint>
#include <vector>

#include "otoscope/core/tensor.h"

namespace otoscope::contexts {

struct Column {
  int64_t column;
  double mean, deviation;
};

/// Columns that vary, standardised into (n, kept). Rounding of a constant is no deviation.
Tensor<float> standardised(View<const float> x, std::vector<Column>& kept);

}  // namespace otoscope::contexts
