#pragma once
/// Private to the room: one stretch of an Adam step, once per instruction set.

#include <cstdint>

namespace otoscope::kernels {

struct AdamScalars {
  float beta1, rest1;  // rest = 1 - beta
  float beta2, rest2;
  float step;        // lr / (1 - beta1^t)
  float root_scale;  // 1 / sqrt(1 - beta2^t)
  float eps;
  float gradient_scale;
};

/// g may be null: zeros.
using AdamStretch = void (*)(float* w, const float* g, float* m, float* v, int64_t n,
                             const AdamScalars& s);

namespace scalar {
void adam(float* w, const float* g, float* m, float* v, int64_t n, const AdamScalars& s);
}
namespace avx2 {
void adam(float* w, const float* g, float* m, float* v, int64_t n, const AdamScalars& s);
}
namespace avx512 {
void adam(float* w, const float* g, float* m, float* v, int64_t n, const AdamScalars& s);
}

}  // namespace otoscope::kernels
