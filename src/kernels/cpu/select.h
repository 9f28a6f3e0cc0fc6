#pragma once
/// Private to the room: exact selection among candidates that a scan has left.

#include <cstdint>
#include <vector>

namespace otoscope::kernels::detail {

/// What is kept of n values when only the `keep` largest may stay: all above `value`, and the first
/// `ties` that equal it.
struct Cut {
  float value = 0;
  int64_t ties = 0;
};

/// values: positive, not NaN; 0 < keep < n. room: (n), overwritten.
Cut cut_small(const float* values, int64_t n, int64_t keep, float* room);

/// The same for many values held in pieces: a radix histogram of their bits, without a sort.
Cut cut_large(const std::vector<std::vector<float>>& pieces, int64_t keep);

}  // namespace otoscope::kernels::detail
