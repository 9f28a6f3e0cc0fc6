#include "otoscope/audio/mel.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "audio/mel_bank.h"
#include "audio/spectrum.h"
#include "otoscope/audio/time.h"

namespace otoscope::audio {
namespace {

constexpr int kMostMels = 512;

/// Slaney's scale: linear to 1 kHz, logarithmic above (Auditory Toolbox, 1998).
double mel_to_hz(double mel) {
  return mel < 15.0 ? 200.0 * mel / 3.0 : 1000.0 * std::exp(std::log(6.4) * (mel - 15.0) / 27.0);
}
double hz_to_mel(double hz) {
  return hz < 1000.0 ? 3.0 * hz / 200.0 : 15.0 + 27.0 * std::log(hz / 1000.0) / std::log(6.4);
}

}  // namespace

Tensor<float> mel_filters(int n_mels) {
  if (n_mels < 1 || n_mels > kMostMels)
    throw UserError("mel filters", fmt::format("expected 1 to {} bands, got {}", kMostMels, n_mels),
                    "Whisper has 80, or 128 in large-v3");
  Tensor<float> weights(Shape{n_mels, kBins});
  const double top = hz_to_mel(kSampleRate / 2.0);
  const auto edge = [&](int i) { return mel_to_hz(top * i / (n_mels + 1)); };
  for (int m = 0; m < n_mels; ++m) {
    const double low = edge(m), peak = edge(m + 1), high = edge(m + 2);
    for (int i = 0; i < kBins; ++i) {
      const double hz = static_cast<double>(i) * kSampleRate / kFftSamples;
      const double slope = std::min((hz - low) / (peak - low), (high - hz) / (high - peak));
      weights.at(m, i) = static_cast<float>(std::max(0.0, slope) * 2.0 / (high - low));
    }
  }
  return weights;
}

Tensor<float> mel_power_log10(std::span<const float> pcm, int n_mels) {
  const MelBank& bank = MelBank::of(n_mels);
  const auto n = static_cast<int64_t>(pcm.size());
  auto out = Tensor<float>::uninitialized(Shape{n / kHopSamples, n_mels});
  if (out.shape()[0] == 0) return out;
  std::vector<float> padded(static_cast<size_t>(n + 2 * kFramePad));
  std::copy(pcm.begin(), pcm.end(), padded.begin() + kFramePad);
  for (int64_t i = 1; i <= kFramePad; ++i) {
    padded[static_cast<size_t>(kFramePad - i)] = pcm[static_cast<size_t>(reflected(-i, n))];
    padded[static_cast<size_t>(kFramePad + n - 1 + i)] =
        pcm[static_cast<size_t>(reflected(n - 1 + i, n))];
  }
  bank.log10_power(padded.data(), out);
  return out;
}

void finish_log_mel(View<float> log10_mel, float maximum) {
  const float floor = maximum - 8.0f;
  for (float& x : log10_mel.span()) x = (std::max(x, floor) + 4.0f) / 4.0f;
}

Tensor<float> log_mel_window(std::span<const float> pcm, int n_mels, Padding padding,
                             int64_t frames) {
  OTO_ASSERT(frames > 0);
  const size_t n = std::min(pcm.size(), static_cast<size_t>(frames * kHopSamples));
  // Long-form mel has zeros after its last sample, also where the clip fills the window.
  const int64_t beyond = padding == Padding::mel_zero ? 2 : 0;
  std::vector<float> window(static_cast<size_t>((frames + beyond) * kHopSamples), 0.0f);
  std::copy_n(pcm.begin(), n, window.begin());
  Tensor<float> mel = mel_power_log10(window, n_mels);
  if (beyond > 0) mel = Tensor<float>::copy_of(mel.view().slice(0, frames));
  const std::span<const float> all = mel.view().span();
  finish_log_mel(mel, *std::max_element(all.begin(), all.end()));
  const int64_t content = static_cast<int64_t>(n) / kHopSamples;
  if (padding == Padding::mel_zero)
    std::fill(mel.data() + content * n_mels, mel.data() + mel.size(), 0.0f);
  return mel;
}

}  // namespace otoscope::audio
