#pragma once
/// What the kernels mean: plain loops, one row at a time, over float or double. Always built; the
/// fast files are tested against these, and finite differences run on the double form.

#include <cmath>
#include <cstdint>

namespace otoscope::kernels::reference {

/// Returns the scale.
template <class T>
T layer_norm_row(const T* x, const T* gain, const T* bias, int64_t d, T eps, T* y) {
  T mean = 0, square = 0;
  for (int64_t i = 0; i < d; ++i) mean += x[i];
  mean /= static_cast<T>(d);
  for (int64_t i = 0; i < d; ++i) square += (x[i] - mean) * (x[i] - mean);
  const T scale = T(1) / std::sqrt(square / static_cast<T>(d) + eps);
  for (int64_t i = 0; i < d; ++i) y[i] = (x[i] - mean) * scale * gain[i] + bias[i];
  return scale;
}

/// With h = (x - mean) scale and q = gain dy: dx = scale (q - mean(q) - h mean(q h)); the last term
/// comes from the scale and is absent when that is frozen.
template <class T>
void layer_norm_vjp_row(const T* x, const T* gain, T scale, const T* dy, int64_t d, bool frozen,
                        T* dx) {
  T mean = 0, mean_q = 0, mean_qh = 0;
  for (int64_t i = 0; i < d; ++i) mean += x[i], mean_q += gain[i] * dy[i];
  mean /= static_cast<T>(d), mean_q /= static_cast<T>(d);
  if (!frozen)
    for (int64_t i = 0; i < d; ++i) mean_qh += gain[i] * dy[i] * (x[i] - mean) * scale;
  mean_qh /= static_cast<T>(d);
  for (int64_t i = 0; i < d; ++i)
    dx[i] = scale * (gain[i] * dy[i] - mean_q - (x[i] - mean) * scale * mean_qh);
}

/// Phi(x), the normal distribution function: gelu(x) = x Phi(x).
template <class T>
T normal_cdf(T x) {
  return T(0.5) * std::erfc(-x * T(0.70710678118654752440));
}

template <class T>
T gelu(T x) {
  if (std::isinf(x)) return x > 0 ? x : T(0);  // -inf * 0 is not a number
  return x * normal_cdf(x);
}

template <class T>
T gelu_slope(T x, bool frozen_gate) {
  if (frozen_gate) return normal_cdf(x);
  if (std::isinf(x)) return x > 0 ? T(1) : T(0);
  return normal_cdf(x) + x * T(0.39894228040143267794) * std::exp(x * x * T(-0.5));
}

/// The largest entry; NaN if there is one.
template <class T>
T largest(const T* x, int64_t n) {
  T most = x[0];
  for (int64_t i = 1; i < n; ++i)
    if (!(x[i] <= most) && most == most) most = x[i];
  return most;
}

/// False if every entry is -inf.
template <class T>
bool softmax_row(const T* x, int64_t n, T* y) {
  const T most = largest(x, n);
  if (std::isinf(most) && most < 0) return false;
  T sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += y[i] = std::exp(x[i] - most);
  for (int64_t i = 0; i < n; ++i) y[i] /= sum;
  return true;
}

template <class T>
void softmax_vjp_row(const T* y, const T* dy, int64_t n, T* dx) {
  T inner = 0;
  for (int64_t i = 0; i < n; ++i) inner += y[i] * dy[i];
  for (int64_t i = 0; i < n; ++i) dx[i] = y[i] * (dy[i] - inner);
}

template <class T>
bool log_softmax_row(const T* x, int64_t n, T* y) {
  const T most = largest(x, n);
  if (std::isinf(most) && most < 0) return false;
  T sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(x[i] - most);
  const T shift = most + std::log(sum);
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] - shift;
  return true;
}

template <class T>
T dot(const T* a, const T* b, int64_t n) {
  T sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace otoscope::kernels::reference
