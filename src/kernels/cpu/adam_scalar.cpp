#include <cmath>

#include "kernels/cpu/adam_table.h"

namespace otoscope::kernels::scalar {

void adam(float* w, const float* g, float* m, float* v, int64_t n, const AdamScalars& s) {
  for (int64_t i = 0; i < n; ++i) {
    const float gradient = g == nullptr ? 0.0f : g[i] * s.gradient_scale;
    m[i] = s.beta1 * m[i] + s.rest1 * gradient;
    v[i] = s.beta2 * v[i] + s.rest2 * gradient * gradient;
    w[i] -= s.step * m[i] / (std::sqrt(v[i]) * s.root_scale + s.eps);
  }
}

}  // namespace otoscope::kernels::scalar
