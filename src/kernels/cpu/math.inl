// exp and the normal distribution function over V. Coefficients come from fit_polynomials.py, which
// says what they minimise. The tests measure them against double.

/// Of x up to 88; zero below -104. NaN stays.
inline V exp(V x) {
  x = max(set(-104.0f), x);
  // Adding 1.5 * 2^23 rounds to a whole number in one operation.
  const V shift = set(12582912.0f);
  const V n = fma(x, set(1.44269504f), shift) - shift;
  // ln 2 in two parts; the first has few enough bits that n times it is exact.
  const V r = fma(n, set(2.12194440e-4f), fma(n, set(-0.693359375f), x));
  V q = set(1.381314412e-03f);
  q = fma(q, r, set(8.369418839e-03f));
  q = fma(q, r, set(4.166845680e-02f));
  q = fma(q, r, set(1.666651479e-01f));
  q = fma(q, r, set(4.999999305e-01f));
  return scale2(fma(r * r, q, r) + set(1.0f), n);
}

/// P(X < -t) of the standard normal, t >= 0, and bell = exp(-t^2 / 2).
inline V normal_tail(V t, V& bell) {
  bell = exp(set(-0.5f) * t * t);
  const V u = set(1.0f) / fma(set(0.35f), t, set(1.0f));
  V s = set(-2.916379624e-02f);
  s = fma(s, u, set(1.440601903e-01f));
  s = fma(s, u, set(-2.559006426e-01f));
  s = fma(s, u, set(1.593915740e-01f));
  s = fma(s, u, set(-2.326295890e-02f));
  s = fma(s, u, set(1.055744521e-01f));
  s = fma(s, u, set(1.198155807e-01f));
  s = fma(s, u, set(1.398643256e-01f));
  s = fma(s, u, set(1.396212589e-01f));
  return bell * u * s;
}
