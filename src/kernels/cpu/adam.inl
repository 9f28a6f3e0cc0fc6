// The step of adam_table.h over V, included inside an ISA's namespace.

namespace {

#include "kernels/cpu/loops.inl"

}  // namespace

void adam(float* w, const float* g, float* m, float* v, int64_t n, const AdamScalars& s) {
  for_lanes(n, [&](int64_t i, auto lanes) {
    const V gradient = g == nullptr ? set(0) : load(g + i, lanes) * set(s.gradient_scale);
    const V first = fma(set(s.beta1), load(m + i, lanes), set(s.rest1) * gradient);
    const V second = fma(set(s.beta2), load(v + i, lanes), set(s.rest2) * gradient * gradient);
    store(m + i, first, lanes);
    store(v + i, second, lanes);
    const V root = fma(sqrt(second), set(s.root_scale), set(s.eps));
    store(w + i, load(w + i, lanes) - set(s.step) * first / root, lanes);
  });
}
