#pragma once
/// Private to the room: products on a CUDA device. `cuda/` implements it with cuBLAS; `nocuda/`
/// says what is missing.

#include <memory>
#include <string>

#include "kernels/cpu/product.h"

namespace otoscope::kernels::cuda {

/// Makes the device ready. UserError where there is none.
void start();
/// The device's name, after start().
std::string name();

/// A right-hand side kept in the device's memory.
class Matrix {
 public:
  /// matrix: (K, N), or (N, K) with transposed. With bf16 the copy is rounded to bfloat16.
  Matrix(View<const float> matrix, bool transposed, bool bf16);

  const void* data() const { return data_.get(); }  // the device's address
  bool transposed() const { return transposed_; }

 private:
  std::shared_ptr<void> data_;
  bool transposed_ = false;
};

/// The product, its other operands and its result in host memory. kept: takes the place of b.
/// UserError when the device fails (its memory is full, it is gone). From several threads one after
/// another.
void run(const detail::Product& product, const void* a, const void* b, const Matrix* kept,
         const float* bias, float* c);

}  // namespace otoscope::kernels::cuda
