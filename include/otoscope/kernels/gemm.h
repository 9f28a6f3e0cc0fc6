#pragma once
/// Dense products. oneDNN does them, behind src/kernels/cpu/gemm.cpp and conv.cpp alone; device.h
/// says which may go to a CUDA device. Views may not overlap. Every function throws nothing on
/// finite input; shapes are asserted.

#include <memory>

#include "otoscope/core/tensor.h"

namespace otoscope {

/// fp32 is the reference. bf16 rounds both inputs of a product to bfloat16 and sums in fp32.
enum class Precision { f32, bf16 };

namespace kernels {

/// An operand as stored, or transposed.
struct Operand {
  View<const float> matrix;
  bool transposed = false;
};
inline Operand transposed(View<const float> matrix) { return {matrix, true}; }

/// C = op(A) op(B) + beta C.   op(A): (M, K)   op(B): (K, N)   C: (M, N).   beta is 0 (C need not
/// be initialised) or 1.
void gemm(Operand A, Operand B, View<float> C, float beta = 0.0f, Precision p = Precision::f32);

/// One product per leading index: C[i] = alpha op(A[i]) op(B[i]) + beta C[i].
/// A: (n, M, K) or (n, K, M) if transposed; B likewise; C: (n, M, N).
void batched_gemm(Operand A, Operand B, View<float> C, float alpha = 1.0f, float beta = 0.0f,
                  Precision p = Precision::f32);

/// y = x W^T + b with W packed once into oneDNN's own layout.
class Linear {
 public:
  Linear();
  /// W: (out, in); b: (out) or empty. W and b are copied. With bf16 the packed weight is bf16.
  Linear(View<const float> W, View<const float> b, Precision p = Precision::f32);
  ~Linear();
  Linear(Linear&&) noexcept;
  Linear& operator=(Linear&&) noexcept;

  /// x: (..., in) -> y: (..., out). Safe to call from several threads.
  void forward(View<const float> x, View<float> y) const;
  /// forward by the calling thread alone, on the CPU; may be called inside a parallel loop. With
  /// bf16 a row's last bits may depend on how many rows are multiplied at once, here as there.
  void forward_alone(View<const float> x, View<float> y) const;
  /// y = gelu(x) W^T + b, with the bits of gelu and forward_alone; x is lost.
  void forward_gelu_alone(View<float> x, View<float> y) const;
  /// dx = dy W.   dy: (..., out) -> dx: (..., in); dx += if accumulate. (The vjp with respect to
  /// x.)
  void vjp(View<const float> dy, View<float> dx, bool accumulate = false) const;

  int64_t in() const;
  int64_t out() const;
  /// The weight as given: (out, in), fp32.
  View<const float> weight() const;
  View<const float> bias() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// 1-d convolution, kernel 3, padding 1, channels last.
class Conv1d {
 public:
  Conv1d();
  /// W: (out, in, 3); b: (out).
  Conv1d(View<const float> W, View<const float> b, int stride, Precision p = Precision::f32);
  ~Conv1d();
  Conv1d(Conv1d&&) noexcept;
  Conv1d& operator=(Conv1d&&) noexcept;

  /// x: (B, T, in) -> y: (B, ceil(T / stride), out)
  void forward(View<const float> x, View<float> y) const;
  /// dx = the transpose of the convolution applied to dy. dy: (B, ceil(T/stride), out) -> dx: (B,
  /// T, in)
  void vjp(View<const float> dy, View<float> dx) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kernels
}  // namespace otoscope
