#pragma once
/// The layers as the papers write them, for float and double: slow, plain, and the meaning of the
/// fast ones. Each forward has its vjp beside it.

#include <cmath>
#include <cstdint>
#include <vector>

namespace otoscope::testing::reference {

template <class T>
using Array = std::vector<T>;

/// One head.  q: (n, d)  k, v: (S, d) -> z: (n, d); causal: query t sees keys up to S - n + t.
struct Head {
  int64_t n, S, d;
  bool causal;
  int64_t seen(int64_t t) const { return causal ? S - n + t + 1 : S; }
};

template <class T>
Array<T> pattern(const Head& h, const Array<T>& q, const Array<T>& k) {
  Array<T> p(static_cast<size_t>(h.n * h.S));
  for (int64_t t = 0; t < h.n; ++t) {
    T* row = p.data() + t * h.S;
    T largest = -INFINITY, sum = 0;
    for (int64_t s = 0; s < h.seen(t); ++s) {
      T dot = 0;
      for (int64_t j = 0; j < h.d; ++j)
        dot += q[static_cast<size_t>(t * h.d + j)] * k[static_cast<size_t>(s * h.d + j)];
      row[s] = dot / std::sqrt(static_cast<T>(h.d));
      largest = std::max(largest, row[s]);
    }
    for (int64_t s = 0; s < h.seen(t); ++s) sum += row[s] = std::exp(row[s] - largest);
    for (int64_t s = 0; s < h.seen(t); ++s) row[s] /= sum;
  }
  return p;
}

template <class T>
Array<T> attention(const Head& h, const Array<T>& q, const Array<T>& k, const Array<T>& v) {
  const Array<T> p = pattern(h, q, k);
  Array<T> z(static_cast<size_t>(h.n * h.d));
  for (int64_t t = 0; t < h.n; ++t)
    for (int64_t s = 0; s < h.S; ++s)
      for (int64_t j = 0; j < h.d; ++j)
        z[static_cast<size_t>(t * h.d + j)] +=
            p[static_cast<size_t>(t * h.S + s)] * v[static_cast<size_t>(s * h.d + j)];
  return z;
}

/// dq, dk, dv = from dz; a frozen pattern is a constant.
template <class T>
void attention_vjp(const Head& h, const Array<T>& q, const Array<T>& k, const Array<T>& v,
                   const Array<T>& dz, Array<T>& dq, Array<T>& dk, Array<T>& dv,
                   bool frozen = false) {
  const Array<T> p = pattern(h, q, k);
  dq.assign(q.size(), 0), dk.assign(k.size(), 0), dv.assign(v.size(), 0);
  const T scale = 1 / std::sqrt(static_cast<T>(h.d));
  for (int64_t t = 0; t < h.n; ++t) {
    Array<T> dp(static_cast<size_t>(h.S));
    T mean = 0;
    for (int64_t s = 0; s < h.seen(t); ++s) {
      for (int64_t j = 0; j < h.d; ++j) {
        const auto a = static_cast<size_t>(t * h.d + j), b = static_cast<size_t>(s * h.d + j);
        dv[b] += p[static_cast<size_t>(t * h.S + s)] * dz[a];
        dp[static_cast<size_t>(s)] += dz[a] * v[b];
      }
      mean += p[static_cast<size_t>(t * h.S + s)] * dp[static_cast<size_t>(s)];
    }
    if (frozen) continue;
    for (int64_t s = 0; s < h.seen(t); ++s) {
      const T ds = p[static_cast<size_t>(t * h.S + s)] * (dp[static_cast<size_t>(s)] - mean);
      for (int64_t j = 0; j < h.d; ++j) {
        const auto a = static_cast<size_t>(t * h.d + j), b = static_cast<size_t>(s * h.d + j);
        dq[a] += scale * ds * k[b];
        dk[b] += scale * ds * q[a];
      }
    }
  }
}

template <class T>
T gelu(T x) {
  return x / 2 * (1 + std::erf(x / std::sqrt(T(2))));
}
template <class T>
T gelu_slope(T x, bool frozen_gate) {
  const T gate = (1 + std::erf(x / std::sqrt(T(2)))) / 2;
  return frozen_gate ? gate : gate + x * std::exp(-x * x / 2) / std::sqrt(T(2) * T(M_PI));
}

/// out = down gelu(up x + b) + c, one row.  up: (hidden, d)   down: (out, hidden)
template <class T>
struct Mlp {
  int64_t d, hidden, out;
  Array<T> up, b, down, c;

  Array<T> pre(const Array<T>& x) const {
    Array<T> h = b;
    for (int64_t i = 0; i < hidden; ++i)
      for (int64_t j = 0; j < d; ++j)
        h[static_cast<size_t>(i)] += up[static_cast<size_t>(i * d + j)] * x[static_cast<size_t>(j)];
    return h;
  }
  Array<T> forward(const Array<T>& x) const {
    const Array<T> h = pre(x);
    Array<T> y = c;
    for (int64_t o = 0; o < out; ++o)
      for (int64_t i = 0; i < hidden; ++i)
        y[static_cast<size_t>(o)] +=
            down[static_cast<size_t>(o * hidden + i)] * gelu(h[static_cast<size_t>(i)]);
    return y;
  }
  Array<T> vjp(const Array<T>& x, const Array<T>& dy, bool frozen_gate = false) const {
    const Array<T> h = pre(x);
    Array<T> dx(x.size());
    for (int64_t i = 0; i < hidden; ++i) {
      T dh = 0;
      for (int64_t o = 0; o < out; ++o)
        dh += down[static_cast<size_t>(o * hidden + i)] * dy[static_cast<size_t>(o)];
      dh *= gelu_slope(h[static_cast<size_t>(i)], frozen_gate);
      for (int64_t j = 0; j < d; ++j)
        dx[static_cast<size_t>(j)] += up[static_cast<size_t>(i * d + j)] * dh;
    }
    return dx;
  }
};

}  // namespace otoscope::testing::reference
