#include "otoscope/audio/pitch.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "otoscope/audio/level.h"
#include "otoscope/core/rng.h"
#include "otoscope/io/json.h"
#include "support/close.h"

using namespace otoscope;

namespace {

/// The signal of tests/golden/make_labels.py: a glide from 110 to 220 Hz with vibrato, then zeros.
std::vector<float> glide() {
  std::vector<float> pcm(28800, 0.0f);
  for (size_t i = 0; i < 24000; ++i) {
    const double t = static_cast<double>(i) / 16000;
    const double phase = 2 * std::numbers::pi * (110 * t + 110 / 1.5 * t * t / 2) +
                         0.8 * std::sin(2 * std::numbers::pi * 5 * t);
    for (int k = 1; k <= 10; ++k) pcm[i] += static_cast<float>(0.1 * std::sin(k * phase) / k);
  }
  return pcm;
}

}  // namespace

TEST_CASE("pitch follows a glide as Praat's does") {
  const auto hz = audio::pitch_hz(glide());
  const auto want = io::read_json(testing::golden("labels") / "pitch.json")["hz"];
  REQUIRE(hz.size() == want.size());
  int voiced = 0;
  for (size_t t = 0; t < hz.size(); ++t) {
    // At the edges the two look at unlike stretches of the signal.
    if (want[t].is_null() || hz[t] == 0) {
      CHECK_MESSAGE((want[t].is_null() || t < 4 || t > 71), "frame ", t);
      CHECK_MESSAGE((hz[t] == 0 || t < 4 || t > 71), "frame ", t);
      continue;
    }
    ++voiced;
    CHECK_MESSAGE(std::fabs(hz[t] / want[t].get<double>() - 1) < 0.02, "frame ", t, ": ", hz[t],
                  " against ", want[t].get<double>());
  }
  CHECK(voiced > 65);
}

TEST_CASE("noise and silence have no pitch") {
  Rng rng(1, "noise");
  std::vector<float> noise(32000);
  for (float& sample : noise) sample = static_cast<float>(0.1 * (rng.uniform() - 0.5));
  const auto hz = audio::pitch_hz(noise);
  CHECK(std::count_if(hz.begin(), hz.end(), [](float f) { return f > 0; }) <
        static_cast<std::ptrdiff_t>(hz.size() / 20));
  for (const float f : audio::pitch_hz(std::vector<float>(3200, 0.0f))) CHECK(f == 0);
  CHECK(audio::pitch_hz({}).empty());
}

TEST_CASE("the level of a sine is that of its power, and zeros are at the floor") {
  std::vector<float> pcm(6400, 0.0f);
  for (size_t i = 0; i < 3200; ++i)
    pcm[i] = 0.5f * std::sin(2 * std::numbers::pi_v<float> * 500 * static_cast<float>(i) / 16000);
  const auto levels = audio::levels_db(pcm);
  REQUIRE(levels.size() == 20);
  CHECK(levels[3] == doctest::Approx(10 * std::log10(0.125)).epsilon(1e-4));
  CHECK(levels[15] == audio::kQuietestDb);
  CHECK(std::isnan(audio::level_db(pcm, {100})));
}
