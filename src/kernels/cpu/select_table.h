#pragma once
/// Private to the room: the scans of one row that selection is made of, once per instruction set.

#include <cstdint>

namespace otoscope::kernels {

/// Room that `above` may overwrite behind its results.
inline constexpr int64_t kSelectSlack = 16;

struct SelectTable {
  /// Writes index (ascending) and value of the entries with x > 0 and x > threshold[j] (of
  /// threshold[0] if shared) and returns how many. index, value: (n + kSelectSlack)
  int64_t (*above)(const float* x, int64_t n, const float* threshold, bool shared, int32_t* index,
                   float* value);
  /// Some t >= 0 with at least k entries above it, as high as is cheap to find; 0 where there are
  /// fewer positive entries or n is small against k. room: (n)
  float (*floor_of_top)(const float* x, int64_t n, int64_t k, float* room);
  /// Both on bounds instead of values: floor_of_top of x[j] - (slope size[j] + extra), and `above`
  /// for x[j] + (slope size[j] + extra).
  float (*floor_of_bounds)(const float* x, const float* size, float slope, float extra, int64_t n,
                           int64_t k, float* room);
  int64_t (*above_bounds)(const float* x, const float* size, float slope, float extra, int64_t n,
                          float threshold, int32_t* index, float* value);
};

namespace scalar {
extern const SelectTable kSelect;
}
namespace avx2 {
extern const SelectTable kSelect;
}
namespace avx512 {
extern const SelectTable kSelect;
}

/// The table of the active level.
const SelectTable& selection();

}  // namespace otoscope::kernels
