#include "kernels/cpu/product.h"

#include <omp.h>

#include <array>

#include "otoscope/core/threads.h"

namespace otoscope::kernels::detail {

void* scratch(int slot, int64_t bytes) {
  thread_local std::array<Tensor<uint8_t>, 4> slots;
  auto& memory = slots[static_cast<size_t>(slot)];
  if (memory.size() < bytes) {
    memory = {};  // free before the larger one is asked for
    memory = Tensor<uint8_t>::uninitialized(Shape{bytes});
  }
  return memory.data();
}

void to_bf16(const float* from, bf16* to, int64_t n) {
  parallel_ranges(n, 1 << 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] = otoscope::to_bf16(from[i]);
  });
}

void round_to_bf16(const float* from, float* to, int64_t n) {
  parallel_ranges(n, 1 << 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) to[i] = to_float(otoscope::to_bf16(from[i]));
  });
}

void assert_not_parallel() { OTO_ASSERT(!omp_in_parallel()); }

}  // namespace otoscope::kernels::detail
