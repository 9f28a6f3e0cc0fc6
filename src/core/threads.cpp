#include "otoscope/core/threads.h"

#include <omp.h>

#include <algorithm>

#include "otoscope/core/errors.h"

namespace otoscope {

void set_threads(int n) {
  if (n < 0 || n > 1024)
    throw UserError("--threads", "expected a number in [0, 1024], got " + std::to_string(n),
                    "0 uses all cores");
  omp_set_num_threads(n == 0 ? omp_get_num_procs() : n);
}

int threads() { return omp_get_max_threads(); }

namespace detail {

void run_ranges(int64_t n, int64_t grain, RangeFunction function, void* context) {
  OTO_ASSERT(grain > 0);
  const int64_t chunks = (n + grain - 1) / grain;
  if (chunks <= 0) return;
  if (chunks == 1 || omp_in_parallel()) {
    for (int64_t c = 0; c < chunks; ++c)
      function(context, c, c * grain, std::min(n, (c + 1) * grain));
    return;
  }
  ErrorSlot first;
#pragma omp parallel for schedule(static)
  for (int64_t c = 0; c < chunks; ++c)
    first.guard([&] { function(context, c, c * grain, std::min(n, (c + 1) * grain)); });
  first.rethrow();
}

}  // namespace detail
}  // namespace otoscope
