#pragma once
/// Private to the room: the kernels of attend.h, once per instruction set.

#include <cstdint>

namespace otoscope::kernels {

struct AttendTable {
  void (*query_keys)(const float* q, const float* K, int64_t S, int64_t d, float scale,
                     float* score);
  void (*mix_values)(const float* weight, const float* V, int64_t S, int64_t d, float* z);
};

namespace scalar {
extern const AttendTable kAttend;
}
namespace avx2 {
extern const AttendTable kAttend;
}
namespace avx512 {
extern const AttendTable kAttend;
}

}  // namespace otoscope::kernels
