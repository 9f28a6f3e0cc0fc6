// The kernels of elementwise_table.h over V, included inside an ISA's namespace. reference.h says
// what they mean.

namespace {

#include "kernels/cpu/loops.inl"
#include "kernels/cpu/math.inl"
#include "kernels/cpu/softmax.inl"

inline float mean_of(const float* x, int64_t d) {
  return sum_lanes(d, [&](V sum, int64_t i, auto lanes) { return sum + load(x + i, lanes); }) /
         static_cast<float>(d);
}

float layer_norm(const float* x, const float* gain, const float* bias, int64_t d, float* y) {
  const V mean = set(mean_of(x, d));
  const float square = sum_lanes(d, [&](V sum, int64_t i, auto lanes) {
    const V centred = keep(load(x + i, lanes) - mean, lanes);
    return fma(centred, centred, sum);
  });
  const float scale = 1.0f / __builtin_sqrtf(square / static_cast<float>(d) + 1e-5f);
  for_lanes(d, [&](int64_t i, auto lanes) {
    const V normed = (load(x + i, lanes) - mean) * set(scale);
    store(y + i, fma(normed, load(gain + i, lanes), load(bias + i, lanes)), lanes);
  });
  return scale;
}

void layer_norm_vjp(const float* x, const float* gain, float scale, const float* dy, int64_t d,
                    bool frozen_scale, float* dx) {
  const float share = 1.0f / static_cast<float>(d);
  const V mean = set(mean_of(x, d));
  const V mean_q = set(share * sum_lanes(d, [&](V sum, int64_t i, auto lanes) {
                         return fma(load(gain + i, lanes), load(dy + i, lanes), sum);
                       }));
  V mean_qh = set(0);
  if (!frozen_scale)
    mean_qh = set(share * scale * sum_lanes(d, [&](V sum, int64_t i, auto lanes) {
                    const V q = load(gain + i, lanes) * load(dy + i, lanes);
                    return fma(q, load(x + i, lanes) - mean, sum);
                  }));
  for_lanes(d, [&](int64_t i, auto lanes) {
    const V h = (load(x + i, lanes) - mean) * set(scale);
    const V q = fma(load(gain + i, lanes), load(dy + i, lanes), set(0) - mean_q);
    store(dx + i, set(scale) * fma(set(0) - h, mean_qh, q), lanes);
  });
}

/// Beyond 20 the distribution function is 0 or 1; the bound keeps infinity times 0 away. max and
/// min return their second operand for NaN.
inline V within(V x) { return max(set(-20.0f), min(set(20.0f), x)); }

inline V gelu_of(V value) {
  V bell;
  const V tail = normal_tail(abs(value), bell);
  const V below = where_negative(value, tail, set(1.0f) - tail);
  return max(set(-20.0f), value) * below;
}

void gelu(const float* x, int64_t n, float* y) {
  for_lanes(n, [&](int64_t i, auto lanes) { store(y + i, gelu_of(load(x + i, lanes)), lanes); });
}

void gelu_vjp(const float* x, const float* dy, int64_t n, bool frozen_gate, float* dx) {
  const V slope_of_bell = set(frozen_gate ? 0.0f : 0.398942280f);
  for_lanes(n, [&](int64_t i, auto lanes) {
    const V value = load(x + i, lanes);
    V bell;
    const V tail = normal_tail(abs(value), bell);
    const V below = where_negative(value, tail, set(1.0f) - tail);
    const V slope = fma(within(value) * bell, slope_of_bell, below);
    store(dx + i, load(dy + i, lanes) * slope, lanes);
  });
}

bool softmax(const float* x, int64_t n, float* y) {
  const float share = softmax_numerators(x, n, y);
  if (share == 0) return false;
  for_lanes(n,
            [&](int64_t i, auto lanes) { store(y + i, load(y + i, lanes) * set(share), lanes); });
  return true;
}

void softmax_vjp(const float* y, const float* dy, int64_t n, float* dx) {
  const V inner = set(sum_lanes(n, [&](V sum, int64_t i, auto lanes) {
    return fma(load(y + i, lanes), load(dy + i, lanes), sum);
  }));
  for_lanes(n, [&](int64_t i, auto lanes) {
    store(dx + i, load(y + i, lanes) * (load(dy + i, lanes) - inner), lanes);
  });
}

bool log_softmax(const float* x, int64_t n, float* y) {
  const float most = largest_of(x, n);
  if (most == -__builtin_inff()) return false;
  const V shift = set(most);
  const float total = sum_lanes(n, [&](V sum, int64_t i, auto lanes) {
    return sum + keep(exp(load(x + i, lanes) - shift), lanes);
  });
  const V rest = set(__builtin_logf(total));
  for_lanes(
      n, [&](int64_t i, auto lanes) { store(y + i, (load(x + i, lanes) - shift) - rest, lanes); });
  return true;
}

void axpy(float a, const float* x, int64_t n, float* y) {
  for_lanes(n, [&](int64_t i, auto lanes) {
    store(y + i, fma(set(a), load(x + i, lanes), load(y + i, lanes)), lanes);
  });
}

void scale(float a, int64_t n, float* y) {
  for_lanes(n, [&](int64_t i, auto lanes) { store(y + i, set(a) * load(y + i, lanes), lanes); });
}

float dot(const float* a, const float* b, int64_t n) {
  return sum_lanes(n, [&](V sum, int64_t i, auto lanes) {
    return fma(load(a + i, lanes), load(b + i, lanes), sum);
  });
}

double squared_norm(const float* x, int64_t n) {
  double sum = 0;
  for_lanes(n, [&](int64_t i, auto lanes) { sum += sum_squares(load(x + i, lanes)); });
  return sum;
}

/// Eight vectors of y stay in registers while all rows pass by.
void add_weighted_rows(const float* W, int64_t d, const int32_t* index, const float* value,
                       int64_t count, float* y) {
  constexpr int kHeld = 8;
  int64_t i = 0;
  for (; i + kHeld * kLanes <= d; i += kHeld * kLanes) {
    V held[kHeld];
    for (int h = 0; h < kHeld; ++h) held[h] = load(y + i + h * kLanes, Full{});
    for (int64_t e = 0; e < count; ++e) {
      const float* row = W + index[e] * d + i;
      const V weight = set(value[e]);
      for (int h = 0; h < kHeld; ++h)
        held[h] = fma(weight, load(row + h * kLanes, Full{}), held[h]);
    }
    for (int h = 0; h < kHeld; ++h) store(y + i + h * kLanes, held[h], Full{});
  }
  for_lanes(d - i, [&](int64_t rest, auto lanes) {
    V held = load(y + i + rest, lanes);
    for (int64_t e = 0; e < count; ++e)
      held = fma(set(value[e]), load(W + index[e] * d + i + rest, lanes), held);
    store(y + i + rest, held, lanes);
  });
}

/// y = value(x), rounded.
template <class Value>
inline void each_to_bf16(const float* x, int64_t n, uint16_t* y, Value&& value) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store_bf16(y + i, value(load(x + i, Full{})));
  if (i == n) return;
  uint16_t rest[kLanes];
  store_bf16(rest, value(load(x + i, part(n - i))));
  for (int64_t j = 0; i + j < n; ++j) y[i + j] = rest[j];
}

void to_bf16(const float* x, int64_t n, uint16_t* y) {
  each_to_bf16(x, n, y, [](V v) { return v; });
}

void gelu_to_bf16(const float* x, int64_t n, uint16_t* y) {
  each_to_bf16(x, n, y, [](V v) { return gelu_of(v); });
}

void round_to_bf16(const float* x, int64_t n, float* y) {
  for_lanes(n, [&](int64_t i, auto lanes) { store(y + i, round_bf16(load(x + i, lanes)), lanes); });
}

double squared_bf16_error(const float* x, int64_t n) {
  double sum = 0;
  for_lanes(n, [&](int64_t i, auto lanes) {
    const V value = load(x + i, lanes);
    sum += sum_squares(value - round_bf16(value));
  });
  return sum;
}

}  // namespace

const ElementwiseTable kElementwise = {
    layer_norm,        layer_norm_vjp,    gelu,    gelu_vjp,     softmax,
    softmax_vjp,       log_softmax,       axpy,    scale,        dot,
    squared_norm,      add_weighted_rows, to_bf16, gelu_to_bf16, round_to_bf16,
    squared_bf16_error};
