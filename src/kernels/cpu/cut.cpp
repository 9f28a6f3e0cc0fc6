#include <algorithm>
#include <array>
#include <bit>
#include <functional>

#include "kernels/cpu/select.h"
#include "otoscope/core/errors.h"

namespace otoscope::kernels::detail {

Cut cut_small(const float* values, int64_t n, int64_t keep, float* room) {
  OTO_ASSERT(0 < keep && keep < n);
  std::copy(values, values + n, room);
  std::nth_element(room, room + keep - 1, room + n, std::greater<>());
  const float value = room[keep - 1];
  int64_t larger = 0;
  for (int64_t i = 0; i < keep; ++i) larger += room[i] > value;
  return {value, keep - larger};
}

Cut cut_large(const std::vector<std::vector<float>>& pieces, int64_t keep) {
  // Positive floats are ordered as their bits. Digit by digit from the top: find the digit at which
  // the count from above reaches `keep`, then go on among the values that share it.
  uint32_t prefix = 0, known = 0;  // the bits found so far, and which they are
  int64_t left = keep;
  for (const auto& [shift, width] : {std::pair{21, 11}, std::pair{10, 11}, std::pair{0, 10}}) {
    std::array<int64_t, 2048> count{};
    const uint32_t digit_mask = (1u << width) - 1;
    for (const auto& piece : pieces)
      for (const float value : piece) {
        const auto bits = std::bit_cast<uint32_t>(value);
        if ((bits & known) == prefix) ++count[(bits >> shift) & digit_mask];
      }
    uint32_t digit = digit_mask;
    while (count[digit] < left) {
      left -= count[digit];
      OTO_ASSERT(digit > 0);
      --digit;
    }
    prefix |= digit << shift;
    known |= digit_mask << shift;
  }
  return {std::bit_cast<float>(prefix), left};
}

}  // namespace otoscope::kernels::detail
