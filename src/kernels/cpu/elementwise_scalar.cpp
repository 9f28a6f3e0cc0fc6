#include <bit>

#include "kernels/cpu/elementwise_table.h"
#include "kernels/cpu/reference.h"
#include "otoscope/core/half.h"

namespace otoscope::kernels::scalar {
namespace {

float layer_norm(const float* x, const float* gain, const float* bias, int64_t d, float* y) {
  return reference::layer_norm_row(x, gain, bias, d, 1e-5f, y);
}

void gelu(const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = reference::gelu(x[i]);
}

void gelu_vjp(const float* x, const float* dy, int64_t n, bool frozen_gate, float* dx) {
  for (int64_t i = 0; i < n; ++i) dx[i] = dy[i] * reference::gelu_slope(x[i], frozen_gate);
}

void axpy(float a, const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] += a * x[i];
}

void scale(float a, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] *= a;
}

double squared_norm(const float* x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

void add_weighted_rows(const float* W, int64_t d, const int32_t* index, const float* value,
                       int64_t count, float* y) {
  for (int64_t e = 0; e < count; ++e) axpy(value[e], W + index[e] * d, d, y);
}

void to_bf16(const float* x, int64_t n, uint16_t* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = otoscope::to_bf16(x[i]).bits;
}

void gelu_to_bf16(const float* x, int64_t n, uint16_t* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = otoscope::to_bf16(reference::gelu(x[i])).bits;
}

void round_to_bf16(const float* x, int64_t n, float* y) {
  for (int64_t i = 0; i < n; ++i) y[i] = to_float(otoscope::to_bf16(x[i]));
}

double squared_bf16_error(const float* x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double error = x[i] - to_float(otoscope::to_bf16(x[i]));
    sum += error * error;
  }
  return sum;
}

}  // namespace

const ElementwiseTable kElementwise = {layer_norm,
                                       reference::layer_norm_vjp_row<float>,
                                       gelu,
                                       gelu_vjp,
                                       reference::softmax_row<float>,
                                       reference::softmax_vjp_row<float>,
                                       reference::log_softmax_row<float>,
                                       axpy,
                                       scale,
                                       reference::dot<float>,
                                       squared_norm,
                                       add_weighted_rows,
                                       to_bf16,
                                       gelu_to_bf16,
                                       round_to_bf16,
                                       squared_bf16_error};

}  // namespace otoscope::kernels::scalar
