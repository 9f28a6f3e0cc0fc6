#include <algorithm>
#include <array>
#include <bit>
#include <functional>

#include "kernels/cpu/product.h"
#include "kernels/cpu/select.h"
#include "kernels/cpu/select_table.h"
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

int64_t copy_kept(const int32_t* index, const float* value, int64_t n, Cut cut, int32_t* kept_index,
                  float* kept_value) {
  int64_t kept = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (!(value[i] > cut.value || (value[i] == cut.value && cut.ties-- > 0))) continue;
    kept_index[kept] = index[i];
    kept_value[kept++] = value[i];
  }
  return kept;
}

Candidates::Candidates(int64_t F) {
  const int64_t each = F + kSelectSlack;
  auto* memory = static_cast<float*>(scratch(3, 3 * each * int64_t{sizeof(float)}));
  index = reinterpret_cast<int32_t*>(memory);
  value = memory + each;
  room = memory + 2 * each;
}

void close_gaps(const std::vector<int64_t>& count, int64_t k, SparseRows& out) {
  int64_t end = 0;
  for (size_t b = 0; b < count.size(); ++b) {
    const int64_t from = static_cast<int64_t>(b) * k;
    if (from != end) {
      std::copy_n(out.indices.begin() + from, count[b], out.indices.begin() + end);
      std::copy_n(out.values.begin() + from, count[b], out.values.begin() + end);
    }
    out.indptr.push_back(end += count[b]);
  }
  out.indices.resize(static_cast<size_t>(end));
  out.values.resize(static_cast<size_t>(end));
}

}  // namespace otoscope::kernels::detail
