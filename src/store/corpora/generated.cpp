#include "store/corpora/generated.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "otoscope/core/rng.h"

namespace otoscope::store {
namespace {

constexpr int kRate = 16000, kSamples = 10 * kRate;
constexpr double kTurn = 2.0 * std::numbers::pi;
using Wave = std::vector<double>;

/// To the level `decibels` below full scale (root mean square), clipped where it must be.
std::vector<int16_t> at_level(const Wave& wave, double decibels) {
  double squares = 0.0;
  for (const double x : wave) squares += x * x;
  const double rms = std::sqrt(squares / static_cast<double>(wave.size()));
  const double gain = rms > 0 ? 32768.0 * std::pow(10.0, decibels / 20.0) / rms : 0.0;
  std::vector<int16_t> pcm;
  for (const double x : wave)
    pcm.push_back(static_cast<int16_t>(std::clamp(std::round(gain * x), -32768.0, 32767.0)));
  return pcm;
}

Wave white(Rng& rng) {
  Wave wave(kSamples);
  for (double& x : wave) x = rng.normal();
  return wave;
}

/// 1/f power as a sum of leaky integrators, one an octave and more (Voss's idea).
Wave pink(Rng& rng) {
  Wave wave(kSamples, 0.0);
  for (const double pole : {0.5, 0.75, 0.9, 0.96, 0.985, 0.994, 0.998}) {
    double state = 0.0;
    for (double& x : wave) {
      state = pole * state + std::sqrt(1.0 - pole * pole) * rng.normal();
      x += state;
    }
  }
  return wave;
}

Wave brown(Rng& rng) {
  Wave wave(kSamples);
  double state = 0.0;
  for (double& x : wave) x = state = 0.999 * state + rng.normal();
  return wave;
}

Wave hum(Rng& rng, double hertz) {
  Wave wave(kSamples, 0.0);
  for (int harmonic = 1; harmonic <= 12; ++harmonic) {
    const double level = rng.uniform(0.1, 1.0) / harmonic, phase = rng.uniform(0.0, kTurn);
    for (int i = 0; i < kSamples; ++i)
      wave[static_cast<size_t>(i)] +=
          level * std::sin(kTurn * hertz * harmonic * i / kRate + phase);
  }
  return wave;
}

Wave clicks(Rng& rng, double per_second) {
  Wave wave(kSamples, 0.0);
  double time = 0.0;
  while ((time += -std::log(1.0 - rng.uniform()) / per_second) < 10.0) {
    const auto at = static_cast<size_t>(time * kRate);
    const double level = rng.uniform(0.2, 1.0) * (rng.uniform() < 0.5 ? -1.0 : 1.0);
    for (size_t i = 0; i < 48 && at + i < wave.size(); ++i)
      wave[at + i] += level * std::exp(-static_cast<double>(i) / 8.0) * rng.uniform(-1.0, 1.0);
  }
  return wave;
}

/// A sine from one frequency to another; equal ends make a steady tone.
Wave tone(double from, double to) {
  Wave wave(kSamples);
  double phase = 0.0;
  for (int i = 0; i < kSamples; ++i) {
    wave[static_cast<size_t>(i)] = std::sin(phase);
    phase += kTurn * (from + (to - from) * i / kSamples) / kRate;
  }
  return wave;
}

}  // namespace

std::vector<GeneratedSound> generate_sounds(uint64_t seed) {
  std::vector<GeneratedSound> sounds;
  const auto add = [&](const std::string& name, const char* kind, double level, auto&& make) {
    Rng rng(seed, "nonspeech/" + name);
    sounds.push_back({name, kind, at_level(make(rng), level)});
  };
  int number = 0;
  for (const double level : {-15.0, -30.0, -50.0}) {
    ++number;
    add(fmt::format("white-{}", number), "noise", level, white);
    add(fmt::format("pink-{}", number), "noise", level, pink);
    add(fmt::format("brown-{}", number), "noise", level, brown);
  }
  for (const double hertz : {50.0, 60.0, 100.0, 120.0})
    add(fmt::format("hum-{}", hertz), "hum", -25.0, [&](Rng& rng) { return hum(rng, hertz); });
  for (const double rate : {1.0, 5.0, 25.0, 125.0})
    add(fmt::format("clicks-{}", rate), "clicks", -35.0,
        [&](Rng& rng) { return clicks(rng, rate); });
  for (const double hertz : {125.0, 440.0, 1000.0, 3000.0})
    add(fmt::format("tone-{}", hertz), "tone", -20.0, [&](Rng&) { return tone(hertz, hertz); });
  add("sweep-up", "tone", -20.0, [](Rng&) { return tone(50.0, 7900.0); });
  add("sweep-down", "tone", -20.0, [](Rng&) { return tone(7900.0, 50.0); });
  add("silence-digital", "silence", 0.0, [](Rng&) { return Wave(kSamples, 0.0); });
  add("silence-dither", "silence", -92.0, white);
  add("silence-room", "silence", -72.0, brown);
  return sounds;
}

}  // namespace otoscope::store
