// The scans of select_table.h over V, included inside an ISA's namespace.

namespace {

#include "kernels/cpu/loops.inl"

int64_t above_own(const float* x, int64_t n, const float* threshold, int32_t* index, float* value) {
  int64_t found = 0;
  for_lanes(n, [&](int64_t i, auto lanes) {
    const V entry = load(x + i, lanes);  // lanes that are not there are 0, which is not above 0
    const uint32_t which = above(entry, set(0)) & above(entry, load(threshold + i, lanes));
    if (which != 0)
      found += compress(entry, static_cast<int32_t>(i), which, index + found, value + found);
  });
  return found;
}

/// entry(i, lanes) gives the values; those of lanes that are not there must not be positive.
template <class Entry>
inline int64_t above_of(int64_t n, float threshold, int32_t* index, float* value, Entry&& entry) {
  if (threshold != threshold) return 0;
  const V least = set(threshold > 0 ? threshold : 0.0f);
  int64_t found = 0;
  for_lanes(n, [&](int64_t i, auto lanes) {
    const V values = entry(i, lanes);
    const uint32_t which = above(values, least);
    if (which != 0)
      found += compress(values, static_cast<int32_t>(i), which, index + found, value + found);
  });
  return found;
}

int64_t above_shared(const float* x, int64_t n, float threshold, int32_t* index, float* value) {
  return above_of(n, threshold, index, value,
                  [&](int64_t i, auto lanes) { return load(x + i, lanes); });
}

int64_t above_bounds(const float* x, const float* size, float slope, float extra, int64_t n,
                     float threshold, int32_t* index, float* value) {
  return above_of(n, threshold, index, value, [&](int64_t i, auto lanes) {
    const V slack = fma(set(slope), load(size + i, lanes), set(extra));
    return keep(load(x + i, lanes) + slack, lanes);
  });
}

int64_t select_above(const float* x, int64_t n, const float* threshold, bool shared, int32_t* index,
                     float* value) {
  return shared ? above_shared(x, n, threshold[0], index, value)
                : above_own(x, n, threshold, index, value);
}

inline int32_t bits_of(float x) {
  int32_t bits;
  __builtin_memcpy(&bits, &x, sizeof bits);
  return bits;
}
inline float float_of(int32_t bits) {
  float x;
  __builtin_memcpy(&x, &bits, sizeof x);
  return x;
}

/// Cuts the row into groups and takes the largest of each. At least k entries lie above whatever
/// has k of these maxima above it, and that is found by bisection over the bits of positive floats,
/// which are in the order of the floats.
template <class Entry>
inline float floor_of(int64_t n, int64_t k, float* room, Entry&& entry) {
  const int64_t groups_wanted = 4 * k > 64 ? 4 * k : 64;
  const int64_t segments = (groups_wanted + kLanes - 1) / kLanes;
  const int64_t length = n / kLanes / segments;  // in vectors; what is left over joins no group
  if (length < 4) return 0;
  V largest_yet = set(0);
  for (int64_t s = 0; s < segments; ++s) {
    const int64_t start = s * length;
    V a = set(0), b = a;  // NaN loses against the second operand
    int64_t i = 0;
    for (; i + 2 <= length; i += 2) {
      a = max(entry((start + i) * kLanes), a);
      b = max(entry((start + i + 1) * kLanes), b);
    }
    if (i < length) a = max(entry((start + i) * kLanes), a);
    a = max(a, b);
    store(room + s * kLanes, a, Full{});
    largest_yet = max(a, largest_yet);
  }
  const auto count_above = [&](float t) {
    int64_t count = 0;
    for (int64_t s = 0; s < segments; ++s)
      count += __builtin_popcount(above(load(room + s * kLanes, Full{}), set(t)));
    return count;
  };
  if (count_above(0) < k) return 0;
  int32_t low = 0,
          high = bits_of(largest(largest_yet));  // count_above(low) >= k > count_above(high)
  for (int step = 0; step < 24 && high - low > 1; ++step) {
    const int32_t middle = low + (high - low) / 2;
    const int64_t count = count_above(float_of(middle));
    if (count >= k)
      low = middle;
    else
      high = middle;
    if (count >= k && count <= k + k / 16) break;
  }
  return float_of(low);
}

float floor_of_top(const float* x, int64_t n, int64_t k, float* room) {
  return floor_of(n, k, room, [&](int64_t i) { return load(x + i, Full{}); });
}

float floor_of_bounds(const float* x, const float* size, float slope, float extra, int64_t n,
                      int64_t k, float* room) {
  return floor_of(n, k, room, [&](int64_t i) {
    return load(x + i, Full{}) - fma(set(slope), load(size + i, Full{}), set(extra));
  });
}

}  // namespace

const SelectTable kSelect = {select_above, floor_of_top, floor_of_bounds, above_bounds};
