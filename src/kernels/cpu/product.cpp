#include "kernels/cpu/product.h"

#include <omp.h>

#include <array>

#include "kernels/cpu/elementwise_table.h"
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
  static_assert(sizeof(bf16) == sizeof(uint16_t));
  const auto stretch = elementwise().to_bf16;
  parallel_ranges(n, 1 << 16, [&](int64_t begin, int64_t end) {
    stretch(from + begin, end - begin, &to[begin].bits);
  });
}

void round_to_bf16(const float* from, float* to, int64_t n) {
  const auto stretch = elementwise().round_to_bf16;
  parallel_ranges(n, 1 << 16, [&](int64_t begin, int64_t end) {
    stretch(from + begin, end - begin, to + begin);
  });
}

const void* rounded(const float* from, int64_t n, bool native, int slot) {
  if (native) {
    auto* to = static_cast<bf16*>(scratch(slot, n * int64_t{sizeof(bf16)}));
    to_bf16(from, to, n);
    return to;
  }
  auto* to = static_cast<float*>(scratch(slot, n * int64_t{sizeof(float)}));
  round_to_bf16(from, to, n);
  return to;
}

OneThread::OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
OneThread::~OneThread() { omp_set_num_threads(before_); }

void assert_not_parallel() { OTO_ASSERT(!omp_in_parallel()); }

}  // namespace otoscope::kernels::detail
