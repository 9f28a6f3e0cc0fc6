#include "labels/align_features.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "otoscope/audio/mel.h"
#include "otoscope/audio/time.h"
#include "otoscope/core/statistics.h"

namespace otoscope::labels {
namespace {

constexpr int kBands = 40, kCepstra = 13;
constexpr int64_t kSlope = 5;        // frames to either side
constexpr float kSpeechRange = 35;   // dB below the loud frames that still are speech
constexpr float kLargestRange = 45;  // dB: digital silence is no floor to measure from

/// (frames at 5 ms, bands): the front end has a hop of 10 ms, so it runs twice, half a hop apart.
Tensor<float> mel_at_5_ms(std::span<const float> pcm) {
  const Tensor<float> even = audio::mel_power_log10(pcm, kBands);
  const Tensor<float> odd = audio::mel_power_log10(pcm.subspan(kAlignHop), kBands);
  const int64_t frames = 2 * std::min(even.shape()[0], odd.shape()[0]);
  Tensor<float> both({frames, kBands});
  for (int64_t t = 0; t < frames; ++t) {
    const float* from = (t % 2 == 0 ? even : odd).data() + t / 2 * kBands;
    std::copy_n(from, kBands, both.data() + t * kBands);
  }
  return both;
}

std::vector<float> cosines() {
  std::vector<float> table;
  for (int c = 0; c < kCepstra; ++c)
    for (int b = 0; b < kBands; ++b)
      table.push_back(static_cast<float>(std::cos(std::numbers::pi * c * (b + 0.5) / kBands)));
  return table;
}

float level_at(const std::vector<float>& levels, double q) {
  return static_cast<float>(quantile({levels.begin(), levels.end()}, q));
}

void normalise(SoundFeatures& sound) {
  const int64_t d = sound.cepstra.shape()[1];
  for (int64_t c = 0; c < d; ++c) {
    double sum = 0, squares = 0, n = 0;
    for (int64_t t = 0; t < sound.frames(); ++t) {
      if (sound.level_db[static_cast<size_t>(t)] < sound.speech_db - kSpeechRange) continue;
      const double value = sound.cepstra.data()[t * d + c];
      sum += value;
      squares += value * value;
      n += 1;
    }
    const double mean = sum / n, scale = 1 / std::sqrt(squares / n - mean * mean + 1e-6);
    for (int64_t t = 0; t < sound.frames(); ++t) {
      float& value = sound.cepstra.data()[t * d + c];
      value = static_cast<float>(std::clamp((value - mean) * scale, -4.0, 4.0));
    }
  }
}

}  // namespace

SoundFeatures sound_features(std::span<const float> pcm) {
  static const std::vector<float> kCosines = cosines();
  const Tensor<float> mel = mel_at_5_ms(pcm);
  const int64_t frames = mel.shape()[0], d = 2 * kCepstra;
  SoundFeatures sound;
  sound.cepstra = Tensor<float>({frames, d});
  sound.level_db.resize(static_cast<size_t>(frames));
  float* out = sound.cepstra.data();
  for (int64_t t = 0; t < frames; ++t) {
    const float* bands = mel.data() + t * kBands;
    double power = 0;
    for (int b = 0; b < kBands; ++b) power += std::pow(10.0, bands[b]);
    sound.level_db[static_cast<size_t>(t)] = static_cast<float>(10 * std::log10(power + 1e-10));
    for (int c = 0; c < kCepstra; ++c) {
      float sum = 0;
      for (int b = 0; b < kBands; ++b)
        sum += bands[b] * kCosines[static_cast<size_t>(c * kBands + b)];
      out[t * d + c] = sum;
    }
  }
  for (int64_t t = 0; t < frames; ++t)
    for (int c = 0; c < kCepstra; ++c) {
      const int64_t before = std::max<int64_t>(0, t - kSlope),
                    after = std::min(frames - 1, t + kSlope);
      out[t * d + kCepstra + c] = out[after * d + c] - out[before * d + c];
    }
  sound.speech_db = level_at(sound.level_db, 0.95);
  sound.floor_db = std::max(level_at(sound.level_db, 0.05), sound.speech_db - kLargestRange);
  normalise(sound);
  return sound;
}

}  // namespace otoscope::labels
