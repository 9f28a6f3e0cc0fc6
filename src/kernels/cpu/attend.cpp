#include "otoscope/kernels/attend.h"

#include "kernels/cpu/attend_table.h"
#include "otoscope/core/isa.h"

namespace otoscope::kernels {
namespace {

const AttendTable& table() {
  switch (active_isa()) {
    case Isa::amx:
    case Isa::avx512:
      return avx512::kAttend;
    case Isa::avx2:
      return avx2::kAttend;
    case Isa::scalar:
      break;
  }
  return scalar::kAttend;
}

}  // namespace

void query_keys(const float* q, const float* K, int64_t S, int64_t d, float scale, float* score) {
  table().query_keys(q, K, S, d, scale, score);
}

void mix_values(const float* weight, const float* V, int64_t S, int64_t d, float* z) {
  table().mix_values(weight, V, S, d, z);
}

}  // namespace otoscope::kernels
