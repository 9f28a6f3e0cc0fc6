/// A real transform of 400 as a complex one of 200 (even samples real, odd ones imaginary), which
/// runs as 5 x 5 x 4 x 2 in Stockham's self-sorting order (Cochran et al. 1967; Van Loan 1992,
/// §1.7).
#include "audio/spectrum.h"

#include <cmath>
#include <numbers>

namespace otoscope::audio {
namespace {

constexpr int kHalf = kFftSamples / 2;

struct Complex {
  Lanes re, im;
};
inline Complex operator+(Complex a, Complex b) { return {a.re + b.re, a.im + b.im}; }
inline Complex operator-(Complex a, Complex b) { return {a.re - b.re, a.im - b.im}; }
inline Complex operator*(float s, Complex a) { return {s * a.re, s * a.im}; }
inline Complex times_minus_i(Complex a) { return {a.im, -a.re}; }

struct Unit {
  float re, im;
};
inline Complex operator*(Complex a, Unit w) {
  return {a.re * w.re - a.im * w.im, a.re * w.im + a.im * w.re};
}

/// exp(-2 pi i k / 400)
struct Twiddles {
  Unit of400[kFftSamples];
  Twiddles() {
    for (int k = 0; k < kFftSamples; ++k) {
      const double angle = -2.0 * std::numbers::pi * k / kFftSamples;
      of400[k] = {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
    }
  }
};
const Twiddles& twiddles() {
  static const Twiddles table;
  return table;
}

inline void dft(Complex (&a)[2]) {
  const Complex sum = a[0] + a[1];
  a[1] = a[0] - a[1];
  a[0] = sum;
}

inline void dft(Complex (&a)[4]) {
  const Complex even = a[0] + a[2], odd = a[1] + a[3];
  const Complex difference = a[0] - a[2], turned = times_minus_i(a[1] - a[3]);
  a[0] = even + odd;
  a[1] = difference + turned;
  a[2] = even - odd;
  a[3] = difference - turned;
}

inline void dft(Complex (&a)[5]) {
  constexpr float c1 = 0.309016994374947424f, c2 = -0.809016994374947424f;  // cos(2 pi j / 5)
  constexpr float s1 = 0.951056516295153572f, s2 = 0.587785252292473129f;   // sin(2 pi j / 5)
  const Complex near = a[1] + a[4], far = a[2] + a[3];
  const Complex near_turned = times_minus_i(a[1] - a[4]), far_turned = times_minus_i(a[2] - a[3]);
  const Complex even1 = a[0] + c1 * near + c2 * far, even2 = a[0] + c2 * near + c1 * far;
  const Complex odd1 = s1 * near_turned + s2 * far_turned;
  const Complex odd2 = s2 * near_turned - s1 * far_turned;
  a[0] = a[0] + near + far;
  a[1] = even1 + odd1;
  a[2] = even2 + odd2;
  a[3] = even2 - odd2;
  a[4] = even1 - odd1;
}

/// One pass of radix R over transforms of length n that lie `stride` apart.
template <int R>
void pass(int n, int stride, const Complex* x, Complex* y, const Unit* of400) {
  const int m = n / R, step = kFftSamples / n;
  for (int p = 0; p < m; ++p)
    for (int q = 0; q < stride; ++q) {
      Complex a[R];
      for (int j = 0; j < R; ++j) a[j] = x[q + stride * (p + m * j)];
      dft(a);
      Complex* out = y + q + stride * R * p;
      out[0] = a[0];
      for (int k = 1; k < R; ++k) out[stride * k] = a[k] * of400[step * p * k];
    }
}

}  // namespace

void power_spectra(const Lanes x[kFftSamples], Lanes power[kBins]) {
  const Unit* w = twiddles().of400;
  Complex a[kHalf], b[kHalf];
  for (int i = 0; i < kHalf; ++i) a[i] = {x[2 * i], x[2 * i + 1]};
  pass<5>(200, 1, a, b, w);
  pass<5>(40, 5, b, a, w);
  pass<4>(8, 25, a, b, w);
  pass<2>(2, 100, b, a, w);
  // Separates the even and odd samples' transforms and joins them: X[k] = E[k] + w^k O[k].
  for (int k = 0; k <= kHalf; ++k) {
    const Complex z = a[k % kHalf], mirrored = a[(kHalf - k) % kHalf];
    const Complex conjugate = {mirrored.re, -mirrored.im};
    const Complex odd = times_minus_i(z - conjugate) * w[k];
    const Complex twice = z + conjugate + odd;
    power[k] = 0.25f * (twice.re * twice.re + twice.im * twice.im);
  }
}

}  // namespace otoscope::audio
