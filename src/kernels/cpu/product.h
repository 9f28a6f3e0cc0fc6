#pragma once
/// Private to the room: compiled products, without oneDNN's types. gemm.cpp implements it.

#include <compare>
#include <cstdint>
#include <memory>

#include "otoscope/core/half.h"
#include "otoscope/core/tensor.h"

namespace otoscope::kernels::cuda {
class Matrix;
}

namespace otoscope::kernels::detail {

/// C = alpha op(A) op(B) [+ bias] [+ C], `batch` times (0: plain matrices). Everything that decides
/// which machine code runs.
struct Product {
  int64_t batch = 0, M = 0, K = 0, N = 0;
  bool a_transposed = false, b_transposed = false;
  bool b_packed = false;    // B is a PackedMatrix of the same (K, N, bf16)
  bool bias = false;        // adds a (N) vector to every row
  bool accumulate = false;  // adds to C instead of overwriting it
  bool bf16 = false;        // A and B hold bfloat16
  float alpha = 1.0f;
  int threads = 0;
  auto operator<=>(const Product&) const = default;
};

/// On the CPU, or on the device in use where the product is worth the way there.
void run(const Product& product, const void* a, const void* b, const float* bias, float* c);

/// A (K, N) right-hand side in oneDNN's own layout, and on the device in use.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  /// The matrix times `scale`: (K, N), or (N, K) with transposed. With bf16 the copy is rounded to
  /// bfloat16.
  PackedMatrix(View<const float> matrix, bool transposed, bool bf16, float scale = 1.0f);
  const void* data() const { return bytes_.data(); }
  const std::shared_ptr<const cuda::Matrix>& on_device() const { return on_device_; }

 private:
  Tensor<uint8_t> bytes_;
  std::shared_ptr<const cuda::Matrix> on_device_;
};

/// The same with a packed right-hand side.
void run(const Product& product, const void* a, const PackedMatrix& b, const float* bias, float* c);

/// The same by the calling thread alone, on the CPU; may be called inside a parallel loop.
void run_alone(const Product& product, const void* a, const PackedMatrix& b, const float* bias,
               float* c);

/// While it lives, what this thread starts runs on it alone: oneDNN asks when it compiles a
/// product, also inside a parallel loop.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

/// Whether products of bfloat16 run natively here. If not, `Precision::bf16` rounds the inputs and
/// multiplies in fp32: the same products, slower.
bool native_bf16();

/// Whether a device is in use and would do this product sooner, its way there and back included.
bool worth_sending(const Product& product);

/// Memory of this thread that grows and is reused; valid until the next call with the same slot.
void* scratch(int slot, int64_t bytes);

/// Rounds to bfloat16, in parallel.
void to_bf16(const float* from, bf16* to, int64_t n);
/// Rounds to the nearest bfloat16 and keeps it as a float, in parallel.
void round_to_bf16(const float* from, float* to, int64_t n);
/// A copy in this thread's scratch memory, rounded to bfloat16: stored as such if native, else as
/// floats.
const void* rounded(const float* from, int64_t n, bool native, int slot);

/// Products start oneDNN's own parallel regions, so they may not be called inside one.
void assert_not_parallel();

}  // namespace otoscope::kernels::detail
