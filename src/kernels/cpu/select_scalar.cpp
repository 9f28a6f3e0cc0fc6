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

}  // namespace

const SelectTable kSelect = {above, floor_of_top};

}  // namespace otoscope::kernels::scalar
