// Softmax but for its last multiplication, which some want in another type. Included inside an
// ISA's unnamed namespace after loops.inl and math.inl.

/// The largest entry. The result is NaN only where nothing but NaN and -inf is there, which is what
/// softmax needs: any other NaN reaches the sum.
inline float largest_of(const float* x, int64_t n) {
  const V lowest = set(-__builtin_inff());
  const V most = fold_lanes(
      n, lowest,
      [&](V yet, int64_t i, auto lanes) {
        return max(keep(load(x + i, lanes), lowest, lanes), yet);
      },
      [](V a, V b) { return max(a, b); });
  const float found = largest(most);
  if (found == -__builtin_inff())
    for (int64_t i = 0; i < n; ++i)
      if (x[i] != x[i]) return x[i];
  return found;
}

/// y = exp(x - max x). Returns what to multiply it by, so that it sums to one; zero if every entry
/// of x is -inf.
inline float softmax_numerators(const float* x, int64_t n, float* y) {
  const float most = largest_of(x, n);
  if (most == -__builtin_inff()) return 0;
  const V shift = set(most);
  return 1.0f / sum_lanes(n, [&](V sum, int64_t i, auto lanes) {
           const V e = exp(load(x + i, lanes) - shift);
           store(y + i, e, lanes);
           return sum + keep(e, lanes);
         });
}
