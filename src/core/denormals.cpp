#include "otoscope/core/denormals.h"

#if defined(__x86_64__)
#include <pmmintrin.h>
#endif

namespace otoscope {

void flush_denormals() {
#if defined(__x86_64__)
#pragma omp parallel
  {
    _MM_SET_FLUSH_ZERO_MODE(_MM_FLUSH_ZERO_ON);
    _MM_SET_DENORMALS_ZERO_MODE(_MM_DENORMALS_ZERO_ON);
  }
#endif
}

}  // namespace otoscope
