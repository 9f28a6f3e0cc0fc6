#pragma once
/// Private to the room: one row or one stretch of each kernel, once per instruction set. Plain
/// pointers and no templates, so that per-ISA sources share nothing with the rest.

#include <cstdint>

namespace otoscope::kernels {

struct ElementwiseTable {
  /// Returns the scale.
  float (*layer_norm)(const float* x, const float* gain, const float* bias, int64_t d, float* y);
  void (*layer_norm_vjp)(const float* x, const float* gain, float scale, const float* dy, int64_t d,
                         bool frozen_scale, float* dx);
  void (*gelu)(const float* x, int64_t n, float* y);
  void (*gelu_vjp)(const float* x, const float* dy, int64_t n, bool frozen_gate, float* dx);
  /// False if every entry is -inf.
  bool (*softmax)(const float* x, int64_t n, float* y);
  void (*softmax_vjp)(const float* y, const float* dy, int64_t n, float* dx);
  bool (*log_softmax)(const float* x, int64_t n, float* y);
  /// y += a x
  void (*axpy)(float a, const float* x, int64_t n, float* y);
  /// y *= a
  void (*scale)(float a, int64_t n, float* y);
  float (*dot)(const float* a, const float* b, int64_t n);
  double (*squared_norm)(const float* x, int64_t n);
  /// y += sum_e value[e] W[index[e], :], in the order of e.   W: (., d)   y: (d)
  void (*add_weighted_rows)(const float* W, int64_t d, const int32_t* index, const float* value,
                            int64_t count, float* y);
  void (*to_bf16)(const float* x, int64_t n, uint16_t* y);
  /// With the bits of the two one after the other.
  void (*gelu_to_bf16)(const float* x, int64_t n, uint16_t* y);
  void (*round_to_bf16)(const float* x, int64_t n, float* y);
  /// Sum of squares of x - round(x), in double.
  double (*squared_bf16_error)(const float* x, int64_t n);
};

namespace scalar {
extern const ElementwiseTable kElementwise;
}
namespace avx2 {
extern const ElementwiseTable kElementwise;
}
namespace avx512 {
extern const ElementwiseTable kElementwise;
}

/// The table of the active level.
const ElementwiseTable& elementwise();

}  // namespace otoscope::kernels
