#pragma once
/// Private to the room: how much work one piece of a parallel loop gets (fixed by the sizes alone,
/// so the pieces do not depend on the thread count), and asking for memory ahead.

#include <algorithm>
#include <cstdint>

namespace otoscope::kernels::detail {

/// Rows of `width` values that make about 16 K values.
inline int64_t row_grain(int64_t width) {
  return std::max<int64_t>(1, (int64_t{1} << 14) / std::max<int64_t>(1, width));
}
/// For flat arrays.
inline constexpr int64_t kFlatGrain = int64_t{1} << 14;

/// Asks for a row of floats that will be read soon.
inline void prefetch(const float* row, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) __builtin_prefetch(row + i);
}

}  // namespace otoscope::kernels::detail
