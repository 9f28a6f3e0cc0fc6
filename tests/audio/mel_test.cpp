#include "otoscope/audio/mel.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "audio/mel_bank.h"
#include "audio/spectrum.h"
#include "otoscope/audio/recording.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/text.h"
#include "otoscope/core/threads.h"
#include "otoscope/io/json.h"
#include "otoscope/io/safetensors.h"
#include "support/close.h"

namespace otoscope::audio {
namespace {

constexpr float kGoldenTolerance = 1e-4f;  // the promise of the issue, per value

std::vector<int16_t> golden_pcm(const io::Safetensors& file, const std::string& clip) {
  const Tensor<int64_t> values = file.integers("pcm/" + clip);
  return {values.data(), values.data() + values.size()};
}

std::vector<float> floats(const std::vector<int16_t>& pcm) {
  std::vector<float> x;
  for (const int16_t s : pcm) x.push_back(static_cast<float>(s) / 32768.0f);
  return x;
}

/// Largest difference to golden (mels, frames) against ours (frames, mels) from frame `first`.
float worst_difference(const Tensor<float>& ours, const Tensor<float>& golden, int64_t first) {
  float worst = 0.0f;
  const int64_t mels = golden.shape()[0], frames = golden.shape()[1];
  for (int64_t m = 0; m < mels; ++m)
    for (int64_t f = 0; f < frames; ++f) {
      const float delta = std::fabs(ours.at(first + f, m) - golden.at(m, f));
      if (!(delta <= worst)) worst = std::isnan(delta) ? INFINITY : delta;
    }
  return worst;
}

/// The log-mel that a golden key such as "chirp/window80" names.
Tensor<float> ours_for(const io::Safetensors& file, const std::string& clip,
                       const std::string& kind, int mels) {
  const std::vector<int16_t> pcm = golden_pcm(file, clip);
  if (kind == "window") return log_mel_window(floats(pcm), mels);
  if (kind == "file") {
    Recording recording = Recording::of_pcm(pcm, mels);
    return recording.log_mel(0, recording.content_frames() + 3000);
  }
  Tensor<float> raw = mel_power_log10(floats(pcm), mels);
  float maximum = -INFINITY;
  for (const float x : raw.view().span()) maximum = std::max(maximum, x);
  finish_log_mel(raw, maximum);
  return raw;
}

}  // namespace

TEST_CASE("log-mel equals openai-whisper's on windows, clips and whole files") {
  const auto file = io::Safetensors::open(testing::golden("mel/mel.safetensors"));
  const io::Json stats = io::read_json(testing::golden("mel/stats.json"))["stats"];
  REQUIRE(stats.size() >= 15);
  for (const auto& entry : stats.items()) {
    const std::string key = entry.key();
    const io::Json& expected = entry.value();
    CAPTURE(key);
    const std::string clip = key.substr(0, key.find('/'));
    const std::string rest = key.substr(key.find('/') + 1);
    const size_t digits = rest.find_first_of("0123456789");
    const Tensor<float> mel =
        ours_for(file, clip, rest.substr(0, digits), std::stoi(rest.substr(digits)));
    REQUIRE(mel.shape()[0] == expected["frames"].get<int64_t>());
    const Tensor<float> head = file.floats(key + "/head"), tail = file.floats(key + "/tail");
    CHECK(worst_difference(mel, head, 0) < kGoldenTolerance);
    CHECK(worst_difference(mel, tail, mel.shape()[0] - tail.shape()[1]) < kGoldenTolerance);
    double sum = 0.0, squares = 0.0;
    for (const float x : mel.view().span()) sum += x, squares += static_cast<double>(x) * x;
    CHECK(std::fabs(sum / static_cast<double>(mel.size()) - expected["mean"].get<double>()) < 1e-5);
    CHECK(std::fabs(std::sqrt(squares) / expected["norm"].get<double>() - 1.0) < 1e-5);
  }
}

TEST_CASE("the filters have their published values") {  // formats.md §1.5
  for (const auto& [mels, corner, total] :
       {std::tuple{80, 0.02486259, 1.999024}, std::tuple{128, 0.01237399, 3.190986}}) {
    const Tensor<float> w = mel_filters(mels);
    CHECK(w.shape() == Shape{mels, 201});
    CHECK(std::fabs(w.at(0, 1) - corner) < 1e-8);
    double sum = 0.0;
    for (const float x : w.view().span()) sum += x;
    CHECK(std::fabs(sum - total) < 1e-5);
  }
  CHECK_THROWS_AS(mel_filters(0), UserError);
  CHECK_THROWS_AS(mel_filters(100000), UserError);
}

TEST_CASE("the spectrum equals the sum that defines it") {
  Rng rng(3, "spectrum");
  Lanes x[kFftSamples], power[kBins];
  double energy[kLanes] = {};
  for (auto& sample : x)
    for (int lane = 0; lane < kLanes; ++lane) {
      sample[lane] = static_cast<float>(rng.normal() * (lane == 2 ? 1e-4 : 1.0));
      energy[lane] += static_cast<double>(sample[lane]) * sample[lane];
    }
  power_spectra(x, power);
  for (int lane = 0; lane < kLanes; ++lane)
    for (int k = 0; k < kBins; ++k) {
      double re = 0.0, im = 0.0;
      for (int n = 0; n < kFftSamples; ++n) {
        const double angle = -2.0 * std::numbers::pi * ((k * n) % kFftSamples) / kFftSamples;
        re += x[n][lane] * std::cos(angle);
        im += x[n][lane] * std::sin(angle);
      }
      // |error of an amplitude| <= about (rounding of 5 passes) * u * ||x||: 20 u is generous.
      const double amplitude = std::sqrt(re * re + im * im);
      const double bound = 20 * 0x1p-24 * std::sqrt(energy[lane] * kFftSamples);
      CHECK(std::fabs(std::sqrt(static_cast<double>(power[k][lane])) - amplitude) <= bound);
    }
}

TEST_CASE("a short window is padded by its convention") {
  std::vector<float> pcm(1600);
  Rng rng(1, "clip");
  for (float& x : pcm) x = static_cast<float>(0.1 * rng.normal());
  const Tensor<float> zeros = log_mel_window(pcm, 80, Padding::waveform_zero, 100);
  const Tensor<float> literal = log_mel_window(pcm, 80, Padding::mel_zero, 100);
  const float top = *std::max_element(zeros.data(), zeros.data() + zeros.size());
  for (int64_t i = 0; i < 10 * 80; ++i) CHECK(zeros[i] == literal[i]);
  for (int64_t f = 12; f < 100; ++f) {
    CHECK(zeros.at(f, 3) == doctest::Approx(top - 2.0f));
    CHECK(literal.at(f, 3) == 0.0f);
  }
  CHECK(log_mel_window(std::span<const float>(), 80, Padding::waveform_zero, 5)[0] == -1.5f);
}

TEST_CASE("clips shorter than the padding are reflected as often as needed") {
  CHECK(reflected(-1, 5) == 1);
  CHECK(reflected(5, 5) == 3);
  CHECK(reflected(-9, 5) == 1);
  CHECK(reflected(-7, 1) == 0);
  CHECK(mel_power_log10(std::vector<float>(159, 0.5f), 80).shape() == Shape{0, 80});
  const Tensor<float> one = mel_power_log10(std::vector<float>(160, 0.5f), 80);
  CHECK(one.shape() == Shape{1, 80});
  CHECK(std::isfinite(one[0]));
}

TEST_CASE("a frame has the same bits on any number of threads") {
  std::vector<float> pcm(50000);
  Rng rng(2, "threads");
  for (float& x : pcm) x = static_cast<float>(0.1 * rng.normal());
  const int before = threads();
  set_threads(1);
  const Tensor<float> one = mel_power_log10(pcm, 80);
  set_threads(3);
  const Tensor<float> three = mel_power_log10(pcm, 80);
  set_threads(before);
  CHECK(std::equal(one.data(), one.data() + one.size(), three.data()));
}

}  // namespace otoscope::audio
