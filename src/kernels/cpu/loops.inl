// Loops over V, included inside an ISA's unnamed namespace after its vec header.

/// body(i, lanes) for each vector of [0, n); the last one may be a Part.
template <class Body>
inline void for_lanes(int64_t n, Body&& body) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(i, Full{});
  if (i < n) body(i, part(n - i));
}

/// Sum over [0, n) with four partial sums: step(sum, i, lanes) returns the sum with a vector added.
template <class Step>
inline float sum_lanes(int64_t n, Step&& step) {
  V a = set(0), b = a, c = a, d = a;
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    a = step(a, i, Full{});
    b = step(b, i + kLanes, Full{});
    c = step(c, i + 2 * kLanes, Full{});
    d = step(d, i + 3 * kLanes, Full{});
  }
  for (; i + kLanes <= n; i += kLanes) a = step(a, i, Full{});
  if (i < n) b = step(b, i, part(n - i));
  return sum((a + b) + (c + d));
}
