#include "otoscope/labels/sounds.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numbers>
#include <set>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/wav.h"
#include "otoscope/core/text.h"
#include "otoscope/io/file.h"
#include "otoscope/store/manifest.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
namespace fs = std::filesystem;

namespace {

std::vector<float> sine(double hz, double amplitude, size_t samples) {
  std::vector<float> pcm(samples);
  for (size_t i = 0; i < samples; ++i)
    pcm[i] = static_cast<float>(
        amplitude * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / 16000));
  return pcm;
}
double power(std::span<const float> pcm) {
  double sum = 0;
  for (const float sample : pcm) sum += static_cast<double>(sample) * sample;
  return sum / static_cast<double>(pcm.size());
}
std::vector<float> difference(const std::vector<float>& a, const std::vector<float>& b) {
  std::vector<float> out(a.size());
  for (size_t i = 0; i < a.size(); ++i) out[i] = a[i] - b[i];
  return out;
}

}  // namespace

TEST_CASE("noise lies as many decibels under the speech as was asked for, pauses apart") {
  auto speech = sine(200, 0.2, 16000);
  std::fill(speech.begin() + 8000, speech.end(), 0.0f);  // half a pause
  const auto noise = sine(3000, 0.5, 5000);              // shorter than the speech
  for (const double snr : {20.0, 0.0, -5.0}) {
    Rng rng(3, "x");
    const auto mixed = labels::mixed_at_snr(speech, noise, snr, rng);
    const double disturbance = power(difference(mixed, speech));
    const double signal = power(std::span(speech).first(8000));
    // The frame at the pause's edge is half speech.
    CHECK(std::fabs(10 * std::log10(signal / disturbance) - snr) < 0.15);
  }
  Rng a(3, "x"), b(3, "x"), c(4, "x");
  CHECK(labels::mixed_at_snr(speech, noise, 5, a) == labels::mixed_at_snr(speech, noise, 5, b));
  CHECK(labels::mixed_at_snr(speech, noise, 5, b) != labels::mixed_at_snr(speech, noise, 5, c));
}

TEST_CASE("a mix does not clip, and silence has no level") {
  Rng rng(1, "x");
  const auto loud = labels::mixed_at_snr(sine(200, 0.9, 8000), sine(900, 0.9, 8000), 0, rng);
  for (const float sample : loud) REQUIRE(std::fabs(sample) <= 1.0f);
  const auto speech = sine(200, 0.2, 8000);
  CHECK(labels::mixed_at_snr(speech, std::vector<float>(100, 0.0f), 0, rng) == speech);
  CHECK(labels::mixed_at_snr(speech, {}, 0, rng) == speech);
  CHECK(labels::mixed_at_snr({}, speech, 0, rng).empty());
}

TEST_CASE("reverberation is as strong as the direct sound and falls by 60 dB in its time") {
  std::vector<float> click(16000, 0.0f);
  click[0] = 0.5f;
  Rng rng(5, "x");
  const auto wet = labels::reverberated(click, 0.5, rng);
  REQUIRE(wet.size() == click.size());
  CHECK(wet[0] == doctest::Approx(0.5f));
  const std::span<const float> tail = std::span(wet).subspan(1);
  CHECK(power(tail) * static_cast<double>(tail.size()) == doctest::Approx(0.25).epsilon(0.01));
  // 100 ms are a fifth of the way: 12 dB.
  const double early = power(tail.subspan(800, 800)), late = power(tail.subspan(2400, 800));
  CHECK(10 * std::log10(early / late) == doctest::Approx(12).epsilon(0.1));
  for (const float sample : std::span(wet).subspan(8100)) CHECK(sample == 0.0f);
}

TEST_CASE("a corpus is mixed once per clip, evenly, with noise of its own split") {
  const testing::TemporaryFolder folder;
  const auto write = [&](const char* name, double hz) {
    std::vector<int16_t> pcm;
    for (const float sample : sine(hz, 0.3, 4000))
      pcm.push_back(static_cast<int16_t>(sample * 32767));
    io::write_file(folder.path() / name, audio::encode_wav(pcm));
  };
  write("s.wav", 200);
  write("n.wav", 3000);
  std::string speech, noise;
  for (int i = 0; i < 60; ++i)
    speech += R"({"audio_filepath":"s.wav","duration":0.25,"language":"en","text":"a","id":"s)" +
              std::to_string(i) + R"(","prompt_id":"p)" + std::to_string(i) + "\"}\n";
  for (int i = 0; i < 40; ++i)
    noise += R"({"audio_filepath":"n.wav","duration":0.25,"speech":false,"id":"n)" +
             std::to_string(i) + R"(","source":"k)" + std::to_string(i) + "\"}\n";
  io::write_file(folder.path() / "speech.jsonl", speech);
  io::write_file(folder.path() / "noise.jsonl", noise);
  const auto mix = [&](uint64_t seed) {
    return labels::mix_corpus(folder.path() / "speech.jsonl", folder.path() / "noise.jsonl",
                              folder.path() / "out", {}, seed);
  };
  const auto manifest = store::read_manifest(mix(1));
  CHECK(manifest.clips.size() == 60);
  std::map<std::string, int> conditions;
  for (const auto& clip : manifest.clips) {
    ++conditions[clip.noise_level];
    CHECK(clip.text == "a");
    CHECK_FALSE(clip.split.empty());
    CHECK(audio::decode_file(clip.path).size() == 4000);
  }
  CHECK(conditions.size() == 5);
  for (const auto& condition : conditions) {
    CAPTURE(condition.first);
    CHECK(condition.second >= 9);
    CHECK(condition.second <= 15);
  }
  auto noises = store::read_manifest(folder.path() / "noise.jsonl").clips;
  for (auto& clip : noises) clip.prompt_id = clip.source;
  store::assign_splits(noises);
  std::map<std::string, std::string> split_of;
  for (const auto& clip : noises) split_of[clip.id] = clip.split;
  int with_noise = 0;
  for (const auto& line : split(io::read_file(folder.path() / "out/manifest.jsonl"), '\n')) {
    if (line.empty()) continue;
    const auto json = nlohmann::json::parse(line);
    if (!json.contains("noise")) continue;
    ++with_noise;
    CHECK(split_of.at(json["noise"]) == json["split"]);
  }
  CHECK(with_noise >= 30);

  const std::string first = io::read_file(folder.path() / "out/manifest.jsonl");
  fs::remove(manifest.clips[0].path);  // as if killed: what is missing is made again
  CHECK(io::read_file(mix(1)) == first);
  CHECK(fs::exists(manifest.clips[0].path));
  CHECK(io::read_file(mix(2)) != first);
}
