// The kernels of attend_table.h over V, included inside an ISA's namespace. attend_scalar.cpp says
// what they mean.

namespace {

#include "kernels/cpu/loops.inl"

void query_keys(const float* q, const float* K, int64_t S, int64_t d, float scale, float* score) {
  for (int64_t s = 0; s < S; ++s) {
    const float* key = K + s * d;
    score[s] = scale * sum_lanes(d, [&](V sum, int64_t i, auto lanes) {
                 return fma(load(q + i, lanes), load(key + i, lanes), sum);
               });
  }
}

/// Columns [i, i + 4 vectors) stay in registers while all rows pass by.
void mix_values(const float* weight, const float* V_rows, int64_t S, int64_t d, float* z) {
  int64_t i = 0;
  for (; i + 4 * kLanes <= d; i += 4 * kLanes) {
    V a = set(0), b = a, c = a, e = a;
    for (int64_t s = 0; s < S; ++s) {
      const float* value = V_rows + s * d + i;
      const V w = set(weight[s]);
      a = fma(w, load(value, Full{}), a);
      b = fma(w, load(value + kLanes, Full{}), b);
      c = fma(w, load(value + 2 * kLanes, Full{}), c);
      e = fma(w, load(value + 3 * kLanes, Full{}), e);
    }
    store(z + i, a, Full{}), store(z + i + kLanes, b, Full{});
    store(z + i + 2 * kLanes, c, Full{}), store(z + i + 3 * kLanes, e, Full{});
  }
  for_lanes(d - i, [&](int64_t j, auto lanes) {
    V sum = set(0);
    for (int64_t s = 0; s < S; ++s)
      sum = fma(set(weight[s]), load(V_rows + s * d + i + j, lanes), sum);
    store(z + i + j, sum, lanes);
  });
}

}  // namespace

const AttendTable kAttend = {query_keys, mix_values};
