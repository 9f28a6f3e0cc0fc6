#include "kernels/cpu/select_table.h"

namespace otoscope::kernels::scalar {
namespace {

int64_t above(const float* x, int64_t n, const float* threshold, bool shared, int32_t* index,
              float* value) {
  int64_t found = 0;
  for (int64_t j = 0; j < n; ++j)
    if (x[j] > 0 && x[j] > threshold[shared ? 0 : j]) {
      index[found] = static_cast<int32_t>(j);
      value[found++] = x[j];
    }
  return found;
}

float floor_of_top(const float*, int64_t, int64_t, float*) { return 0; }

float floor_of_bounds(const float*, const float*, float, float, int64_t, int64_t, float*) {
  return 0;
}

int64_t above_bounds(const float* x, const float* size, float slope, float extra, int64_t n,
                     float threshold, int32_t* index, float* value) {
  int64_t found = 0;
  for (int64_t j = 0; j < n; ++j) {
    const float bound = x[j] + (slope * size[j] + extra);
    if (bound > 0 && bound > threshold) {
      index[found] = static_cast<int32_t>(j);
      value[found++] = bound;
    }
  }
  return found;
}

}  // namespace

const SelectTable kSelect = {above, floor_of_top, floor_of_bounds, above_bounds};

}  // namespace otoscope::kernels::scalar
