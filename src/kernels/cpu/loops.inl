// Loops over V, included inside an ISA's unnamed namespace after its vec header.

/// body(i, lanes) for each vector of [0, n); the last one may be a Part.
template <class Body>
inline void for_lanes(int64_t n, Body&& body) {
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(i, Full{});
  if (i < n) body(i, part(n - i));
}

/// Four running values over [0, n), so that one step need not wait for the last: step(value, i,
/// lanes) returns the value with a vector joined in; join(a, b) brings two together.
template <class Step, class Join>
inline V fold_lanes(int64_t n, V start, Step&& step, Join&& join) {
  V a = start, b = a, c = a, d = a;
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    a = step(a, i, Full{});
    b = step(b, i + kLanes, Full{});
    c = step(c, i + 2 * kLanes, Full{});
    d = step(d, i + 3 * kLanes, Full{});
  }
  for (; i + kLanes <= n; i += kLanes) a = step(a, i, Full{});
  if (i < n) b = step(b, i, part(n - i));
  return join(join(a, b), join(c, d));
}

template <class Step>
inline float sum_lanes(int64_t n, Step&& step) {
  return sum(fold_lanes(n, set(0), step, [](V a, V b) { return a + b; }));
}
