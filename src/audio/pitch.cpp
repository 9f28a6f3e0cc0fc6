#include "otoscope/audio/pitch.h"

#include <algorithm>
#include <cmath>

#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"

namespace otoscope::audio {
namespace {

constexpr int64_t kWindow = 400;  // 25 ms are compared with themselves later

/// d'(lag) of the window that begins at `x`; x has kWindow + lags samples. Step 1 by its
/// definition: the sum vectorises, and a recursion would round.
void normalised_difference(const float* x, std::vector<float>& d) {
  d[0] = 1;
  double sum = 0;
  for (size_t lag = 1; lag < d.size(); ++lag) {
    float parts[8] = {};
    for (int64_t i = 0; i < kWindow; i += 8)
      for (int64_t k = 0; k < 8; ++k) {
        const float difference = x[i + k] - x[i + k + static_cast<int64_t>(lag)];
        parts[k] += difference * difference;
      }
    double squares = 0;
    for (const float part : parts) squares += part;
    sum += squares;
    d[lag] = sum > 0 ? static_cast<float>(squares * static_cast<double>(lag) / sum) : 1.0f;
  }
}

/// The first dip under the threshold, at its bottom, between samples by a parabola; 0 where none.
double period(const std::vector<float>& d, size_t shortest, double threshold) {
  for (size_t lag = std::max<size_t>(shortest, 1); lag + 1 < d.size(); ++lag) {
    if (!(d[lag] < threshold)) continue;
    while (lag + 1 < d.size() && d[lag + 1] < d[lag]) ++lag;
    if (lag + 1 >= d.size()) return 0;  // still falling: longer than the longest period
    const double before = d[lag - 1], here = d[lag], after = d[lag + 1];
    const double bend = before - 2 * here + after;
    return static_cast<double>(lag) + (bend > 0 ? 0.5 * (before - after) / bend : 0.0);
  }
  return 0;
}

}  // namespace

std::vector<float> pitch_hz(std::span<const float> pcm, const PitchOptions& options) {
  OTO_ASSERT(options.lowest_hz > 20 && options.highest_hz > options.lowest_hz);
  const auto lags = static_cast<int64_t>(std::ceil(kSampleRate / options.lowest_hz)) + 2;
  const auto shortest = static_cast<size_t>(kSampleRate / options.highest_hz);
  const auto samples = static_cast<int64_t>(pcm.size());
  const int64_t frames = valid_frames(samples, INT64_MAX), span = kWindow + lags;
  std::vector<float> hz(static_cast<size_t>(frames), 0.0f), x(static_cast<size_t>(span));
  std::vector<float> d(static_cast<size_t>(lags));
  for (int64_t t = 0; t < frames; ++t) {
    const int64_t first = t * kFrameSamples - span / 2;
    float peak = 0;
    for (int64_t i = 0; i < span; ++i) {
      const int64_t at = first + i;
      x[static_cast<size_t>(i)] = at >= 0 && at < samples ? pcm[static_cast<size_t>(at)] : 0.0f;
      peak = std::max(peak, std::fabs(x[static_cast<size_t>(i)]));
    }
    if (peak < 1e-4f) continue;  // below -80 dB is nothing to measure
    normalised_difference(x.data(), d);
    const double lag = period(d, shortest, options.threshold);
    if (lag > 0) hz[static_cast<size_t>(t)] = static_cast<float>(kSampleRate / lag);
  }
  std::vector<float> kept = hz;
  for (size_t t = 0; t < hz.size(); ++t) {
    const bool alone = (t == 0 || hz[t - 1] == 0) && (t + 1 == hz.size() || hz[t + 1] == 0);
    if (alone) kept[t] = 0;
  }
  return kept;
}

}  // namespace otoscope::audio
