#include "otoscope/core/denormals.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "otoscope/core/threads.h"

namespace otoscope {

TEST_CASE("numbers below the smallest normal one are zero in every thread of the pool") {
  flush_denormals();
  constexpr int64_t n = 64;
  std::vector<float> halves(n, 1), sums(n, 1);
  volatile float smallest = std::numeric_limits<float>::min();
  volatile float below = std::numeric_limits<float>::denorm_min();
  parallel_ranges(n, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      halves[static_cast<size_t>(i)] = smallest / 2;
      sums[static_cast<size_t>(i)] = below + below;
    }
  });
#if defined(__x86_64__)
  for (size_t i = 0; i < halves.size(); ++i) {
    CHECK(halves[i] == 0);
    CHECK(sums[i] == 0);
  }
#endif
  CHECK(smallest / 1 > 0);
}

}  // namespace otoscope
