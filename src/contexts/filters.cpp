#include "contexts/filters.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace otoscope::contexts {
namespace {

constexpr double kRate = 16000, kBeta = 8;
constexpr int kHalfWidth = 24;  // of the interpolating sinc, zero crossings a side

/// Modified Bessel function of the first kind, order 0.
double bessel(double x) {
  double sum = 1, term = 1;
  for (int k = 1; k < 60; ++k) {
    term *= (x / (2 * k)) * (x / (2 * k));
    sum += term;
  }
  return sum;
}

/// Kaiser window at place in [-1, 1].
double kaiser(double place) {
  return std::fabs(place) >= 1 ? 0 : bessel(kBeta * std::sqrt(1 - place * place)) / bessel(kBeta);
}

double sinc(double x) {
  return std::fabs(x) < 1e-9 ? 1 : std::sin(std::numbers::pi * x) / (std::numbers::pi * x);
}

}  // namespace

std::vector<double> band_pass(double low_hz, double high_hz, int taps) {
  std::vector<double> h(static_cast<size_t>(taps));
  const double half = (taps - 1) / 2.0, low = 2 * low_hz / kRate, high = 2 * high_hz / kRate;
  for (int i = 0; i < taps; ++i) {
    const double t = i - half;
    h[static_cast<size_t>(i)] =
        (high * sinc(high * t) - low * sinc(low * t)) * kaiser(t / (half + 1));
  }
  return h;
}

std::vector<float> filtered(std::span<const float> pcm, std::span<const double> taps) {
  const auto n = static_cast<int64_t>(pcm.size()), m = static_cast<int64_t>(taps.size());
  const std::vector<double> x(pcm.begin(), pcm.end()), reversed(taps.rbegin(), taps.rend());
  std::vector<float> out(pcm.size());
  for (int64_t i = 0; i < n; ++i) {
    const int64_t first = i + m / 2 - (m - 1);  // sample under the last tap
    const int64_t begin = std::max<int64_t>(0, -first), end = std::min(m, n - first);
    // Four sums: one alone would wait for itself at every tap.
    double sum[4] = {0, 0, 0, 0};
    int64_t k = begin;
    for (; k + 4 <= end; k += 4)
      for (int64_t lane = 0; lane < 4; ++lane)
        sum[lane] +=
            reversed[static_cast<size_t>(k + lane)] * x[static_cast<size_t>(first + k + lane)];
    for (; k < end; ++k)
      sum[0] += reversed[static_cast<size_t>(k)] * x[static_cast<size_t>(first + k)];
    out[static_cast<size_t>(i)] = static_cast<float>((sum[0] + sum[1]) + (sum[2] + sum[3]));
  }
  return out;
}

std::vector<float> faster(std::span<const float> pcm, double factor) {
  const auto n = static_cast<int64_t>(pcm.size());
  const double cut = std::min(1.0, 1 / factor);
  const double reach = kHalfWidth / cut;
  std::vector<float> out(static_cast<size_t>(std::floor(static_cast<double>(n) / factor)));
  for (size_t i = 0; i < out.size(); ++i) {
    const double centre = static_cast<double>(i) * factor;
    const auto begin = static_cast<int64_t>(std::ceil(centre - reach));
    const auto end = static_cast<int64_t>(std::floor(centre + reach));
    double sum = 0;
    for (int64_t j = std::max<int64_t>(0, begin); j <= std::min(end, n - 1); ++j) {
      const double t = static_cast<double>(j) - centre;
      sum += static_cast<double>(pcm[static_cast<size_t>(j)]) * cut * sinc(cut * t) *
             kaiser(t / reach);
    }
    out[i] = static_cast<float>(sum);
  }
  return out;
}

}  // namespace otoscope::contexts
