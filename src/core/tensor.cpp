#include "otoscope/core/tensor.h"

#include <malloc.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace otoscope::detail {

namespace {

/// Large blocks come and go at every pass. By default glibc hands them back to the kernel each time
/// and pays for every page again (a fifth of a bf16 encoder pass); keep up to 1 GB instead.
bool keep_freed_blocks() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
  return true;
}

}  // namespace

void* allocate_aligned(int64_t bytes, bool zero) {
  [[maybe_unused]] static const bool kept = keep_freed_blocks();
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
