#include "kernels/cpu/attend_table.h"

namespace otoscope::kernels::scalar {
namespace {

void query_keys(const float* q, const float* K, int64_t S, int64_t d, float scale, float* score) {
  for (int64_t s = 0; s < S; ++s) {
    float sum = 0;
    for (int64_t i = 0; i < d; ++i) sum += q[i] * K[s * d + i];
    score[s] = scale * sum;
  }
}

void mix_values(const float* weight, const float* V, int64_t S, int64_t d, float* z) {
  for (int64_t i = 0; i < d; ++i) z[i] = 0;
  for (int64_t s = 0; s < S; ++s)
    for (int64_t i = 0; i < d; ++i) z[i] += weight[s] * V[s * d + i];
}

}  // namespace

const AttendTable kAttend = {query_keys, mix_values};

}  // namespace otoscope::kernels::scalar
