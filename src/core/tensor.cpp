#include "otoscope/core/tensor.h"

#include <cstdlib>
#include <cstring>
#include <string>

namespace otoscope::detail {

void* allocate_aligned(int64_t bytes, bool zero) {
  constexpr int64_t kAlignment = 64;
  const int64_t rounded = (bytes + kAlignment - 1) / kAlignment * kAlignment + kAlignment;
  void* pointer = std::aligned_alloc(kAlignment, static_cast<size_t>(rounded));
  if (pointer == nullptr)
    throw UserError("memory", "expected room for " + std::to_string(bytes) + " bytes, got none",
                    "use a smaller batch, fewer sites or a smaller model");
  if (zero) std::memset(pointer, 0, static_cast<size_t>(rounded));
  return pointer;
}

void free_aligned(void* pointer) { std::free(pointer); }

}  // namespace otoscope::detail
