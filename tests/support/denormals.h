#pragma once
/// For tests that look below the smallest normal number, which the program takes for zero.

#include "otoscope/core/denormals.h"
#include "otoscope/core/threads.h"

#if defined(__x86_64__)
#include <pmmintrin.h>
#endif

namespace otoscope::testing {

/// IEEE 754's denormal numbers in every thread of the pool, while it lives.
class WithDenormals {
 public:
  WithDenormals() {
#if defined(__x86_64__)
    parallel_ranges(threads(), 1, [](int64_t, int64_t) {  // static: one piece for each thread
      _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_OFF);
      _MM_SET_DENORMALS_ZERO_MODE(_MM_DENORMALS_ZERO_OFF);
    });
#endif
  }
  ~WithDenormals() { flush_denormals(); }
  WithDenormals(const WithDenormals&) = delete;
  WithDenormals& operator=(const WithDenormals&) = delete;
};

}  // namespace otoscope::testing
