#include "otoscope/labels/sounds.h"

#include <algorithm>
#include <cmath>

#include "otoscope/audio/level.h"
#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"

namespace otoscope::labels {
namespace {

constexpr double kPulsesPerSecond = 2000;

double mean_power(std::span<const float> pcm) {
  double power = 0;
  for (const float sample : pcm) power += static_cast<double>(sample) * sample;
  return pcm.empty() ? 0 : power / static_cast<double>(pcm.size());
}

/// Over the frames that are not silence; pauses would make the speech seem quieter than it is.
double speech_power(std::span<const float> pcm) {
  const auto levels = audio::levels_db(pcm);
  float loudest = audio::kQuietestDb;
  for (const float level : levels) loudest = std::max(loudest, level);
  if (loudest <= audio::kQuietestDb) return 0;
  double power = 0;
  int64_t frames = 0;
  for (const float level : levels)
    if (level >= loudest - audio::kSilenceBelowPeakDb) {
      power += std::pow(10.0, static_cast<double>(level) / 10);
      ++frames;
    }
  return power / static_cast<double>(frames);
}

void keep_below_full_scale(std::vector<float>& pcm) {
  float peak = 0;
  for (const float sample : pcm) peak = std::max(peak, std::fabs(sample));
  if (peak <= 0.999f) return;
  for (float& sample : pcm) sample *= 0.999f / peak;
}

}  // namespace

std::vector<float> mixed_at_snr(std::span<const float> speech, std::span<const float> noise,
                                double snr_db, Rng& rng) {
  std::vector<float> out(speech.begin(), speech.end());
  if (noise.empty() || out.empty()) return out;
  std::vector<float> piece(out.size());
  const auto start = static_cast<size_t>(rng.below(noise.size()));
  for (size_t i = 0; i < piece.size(); ++i) piece[i] = noise[(start + i) % noise.size()];
  const double signal = speech_power(speech), disturbance = mean_power(piece);
  if (!(signal > 0) || !(disturbance > 0)) return out;
  const auto gain =
      static_cast<float>(std::sqrt(signal / disturbance / std::pow(10.0, snr_db / 10)));
  for (size_t i = 0; i < out.size(); ++i) out[i] += gain * piece[i];
  keep_below_full_scale(out);
  return out;
}

std::vector<float> reverberated(std::span<const float> speech, double rt60_s, Rng& rng) {
  OTO_ASSERT(rt60_s > 0);
  struct Pulse {
    size_t delay;
    float gain;
  };
  std::vector<Pulse> tail;
  double energy = 0;
  const double spacing = audio::kSampleRate / kPulsesPerSecond;
  for (int64_t k = 1; static_cast<double>(k) / kPulsesPerSecond < rt60_s; ++k) {
    const double place = (static_cast<double>(k) + rng.uniform()) * spacing;
    const double decay = std::pow(10.0, -3 * place / audio::kSampleRate / rt60_s);
    const double gain = rng.uniform() < 0.5 ? -decay : decay;
    tail.push_back({static_cast<size_t>(place), static_cast<float>(gain)});
    energy += gain * gain;
  }
  std::vector<float> out(speech.begin(), speech.end());
  const auto scale = energy > 0 ? static_cast<float>(1 / std::sqrt(energy)) : 0.0f;
  for (const Pulse& pulse : tail) {
    const float gain = pulse.gain * scale;
    for (size_t i = pulse.delay; i < out.size(); ++i) out[i] += gain * speech[i - pulse.delay];
  }
  keep_below_full_scale(out);
  return out;
}

}  // namespace otoscope::labels
