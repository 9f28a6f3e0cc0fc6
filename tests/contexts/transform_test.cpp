#include "otoscope/contexts/transform.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numbers>

#include "contexts/filters.h"
#include "otoscope/audio/decode.h"
#include "otoscope/audio/wav.h"
#include "otoscope/contexts/nuisance.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/store/manifest.h"

namespace otoscope::contexts {
namespace {

std::vector<float> tone(double hz, double amplitude = .3, double seconds = 1) {
  std::vector<float> pcm(static_cast<size_t>(16000 * seconds));
  for (size_t i = 0; i < pcm.size(); ++i)
    pcm[i] = static_cast<float>(
        amplitude * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / 16000));
  return pcm;
}

/// Level without the ends, where filters see zeros.
double level(std::span<const float> pcm) {
  double sum = 0;
  for (size_t i = 1000; i + 1000 < pcm.size(); ++i)
    sum += static_cast<double>(pcm[i]) * static_cast<double>(pcm[i]);
  return 10 * std::log10(sum / static_cast<double>(pcm.size() - 2000) + 1e-20);
}

std::vector<float> with(const char* step, std::span<const float> pcm, uint64_t seed = 1) {
  Rng rng(seed, "test");
  const Step steps[] = {parse_step(step, "test")};
  return transformed(pcm, steps, rng);
}

TEST_CASE("a telephone passes 300 to 3,400 Hz in step and nothing beyond") {
  for (const double hz : {500.0, 1000.0, 3000.0}) {
    const auto in = tone(hz), out = with("telephone", in);
    CHECK(level(out) == doctest::Approx(level(in)).epsilon(.01));
    double worst = 0;
    for (size_t i = 1000; i + 1000 < in.size(); ++i)
      worst = std::max(worst, static_cast<double>(std::fabs(out[i] - in[i])));
    CHECK(worst < .005);
  }
  for (const double hz : {60.0, 100.0, 4200.0, 5000.0, 7500.0})
    CHECK(level(with("telephone", tone(hz))) < level(tone(hz)) - 50);
}

TEST_CASE("faster means higher and shorter") {
  const auto out = with("speed=1.25", tone(800));
  CHECK(out.size() == 12800);
  int64_t crossings = 0;
  for (size_t i = 1; i < out.size(); ++i) crossings += (out[i - 1] < 0) != (out[i] < 0) ? 1 : 0;
  CHECK(static_cast<double>(crossings) / 2 / .8 == doctest::Approx(1000).epsilon(.005));
  const auto same = with("speed=1", tone(800));
  for (size_t i = 100; i < 15000; ++i)
    CHECK(same[i] == doctest::Approx(tone(800)[i]).epsilon(1e-3));
  // What would alias is gone.
  CHECK(level(with("speed=2", tone(5000))) < -60);
}

TEST_CASE("clipping keeps the peak where it was allowed to be and flattens what is over it") {
  const auto in = tone(200, .2), out = with("clip=12", in);
  CHECK(nuisances_of(out)[9] > .5f);
  CHECK(nuisances_of(in)[9] < .05f);
  CHECK(*std::max_element(out.begin(), out.end()) == doctest::Approx(.2).epsilon(.01));
}

TEST_CASE("noise, rooms and gain are by seed, and do what they say to what is measured") {
  Rng rng(4, "speech");
  std::vector<float> speech = tone(300, .3, 2);
  for (size_t i = 0; i < speech.size(); ++i)
    if (i / 4000 % 2 == 1) speech[i] *= .001f;  // pauses
  CHECK(with("noise=10", speech) == with("noise=10", speech));
  CHECK(with("noise=10", speech, 2) != with("noise=10", speech));
  const auto snr = [](std::span<const float> pcm) { return nuisances_of(pcm)[3]; };
  CHECK(snr(with("noise=10", speech)) == doctest::Approx(10).epsilon(.35));
  CHECK(snr(with("noise=0", speech)) < snr(with("noise=20", speech)));
  CHECK(snr(with("reverb=1", speech)) < snr(speech) - 10);
  const auto quiet = with("gain=-6", speech);
  CHECK(nuisances_of(quiet)[0] == doctest::Approx(nuisances_of(speech)[0] - 6).epsilon(.01));
  const auto far = with("far", speech);
  CHECK(far.size() == speech.size());
  CHECK(nuisances_of(far)[0] < nuisances_of(speech)[0] - 8);
  for (const char* codec : {"opus", "mp3", "g722"})
    CHECK(with(codec, speech).size() == speech.size());
}

TEST_CASE("nuisances of sounds that are known") {
  const auto at = [](const std::vector<float>& pcm, const char* name) {
    const auto found = std::find(kNuisances.begin(), kNuisances.end(), std::string_view(name));
    REQUIRE(found != kNuisances.end());
    return nuisances_of(pcm)[static_cast<size_t>(found - kNuisances.begin())];
  };
  auto pcm = tone(1000, .5);
  CHECK(at(pcm, "loudness dB") == doctest::Approx(20 * std::log10(.5) - 3.01).epsilon(.01));
  CHECK(at(pcm, "peak dB") == doctest::Approx(20 * std::log10(.5)).epsilon(.01));
  CHECK(at(pcm, "length s") == doctest::Approx(1));
  CHECK(at(pcm, "padding share") == doctest::Approx(29.0 / 30));
  CHECK(at(pcm, "band low Hz") == doctest::Approx(1000).epsilon(.15));
  CHECK(at(pcm, "band high Hz") == doctest::Approx(1000).epsilon(.15));
  std::vector<float> late(8000, 0.0f);
  late.insert(late.end(), pcm.begin(), pcm.end());
  CHECK(at(late, "leading silence s") == doctest::Approx(.5).epsilon(.05));
  CHECK(at(late, "trailing silence s") == doctest::Approx(0));
  CHECK(at(late, "silence share") == doctest::Approx(1.0 / 3).epsilon(.05));
  for (float& x : pcm) x += .1f;
  CHECK(at(pcm, "DC offset dB") == doctest::Approx(-20).epsilon(.01));
  const std::vector<float> silence(1600, 0.0f), one(1, .5f);
  for (const auto& odd : {silence, one, std::vector<float>()})
    for (const float value : nuisances_of(odd)) CHECK(std::isfinite(value));
}

TEST_CASE("steps are read with their amounts and refused with what is allowed") {
  CHECK(step_text(parse_step("opus", "x")) == "opus=24");
  CHECK(step_text(parse_step("noise=-2.5", "x")) == "noise=-2.5");
  CHECK(step_text(parse_step("telephone", "x")) == "telephone");
  for (const char* bad : {"", "telefone", "telephone=3", "speed=0", "speed=", "noise=x", "mp3=7",
                          "gain=1e9", "noise=nan", "opus=24 "})
    CHECK_THROWS_AS(parse_step(bad, "x"), UserError);
  for (const char* named : {"telephone", "opus", "far", "speed"})
    CHECK(transforms_text().find(named) != std::string::npos);
}

TEST_CASE(
    "a made context keeps ids, texts, prompts, speakers and splits, and goes on where it was") {
  const auto folder = std::filesystem::temp_directory_path() / "otoscope_contexts_make";
  std::filesystem::remove_all(folder);
  io::make_folder(folder);
  std::string lines;
  for (int i = 0; i < 12; ++i) {
    std::vector<int16_t> pcm;
    for (const float x : tone(300 + 50 * i, .3, .2)) pcm.push_back(static_cast<int16_t>(x * 32767));
    io::write_file(folder / (std::to_string(i) + ".wav"), audio::encode_wav(pcm));
    lines += R"({"audio_filepath":")" + std::to_string(i) + R"(.wav","duration":0.2,"text":"t )" +
             std::to_string(i) + R"(","prompt_id":"p)" + std::to_string(i) +
             R"(","speaker":"s","language":"en"})" + "\n";
  }
  io::write_file(folder / "m.jsonl", lines);
  MakeOptions options{{parse_step("telephone", "x"), parse_step("gain=-6", "x")}, {}, 3};
  const auto made = make_context(folder / "m.jsonl", folder / "out", options);
  auto before = store::read_manifest(folder / "m.jsonl").clips;
  store::assign_splits(before);
  const auto after = store::read_manifest(made).clips;
  REQUIRE(after.size() == before.size());
  for (size_t i = 0; i < after.size(); ++i) {
    CHECK(after[i].id == before[i].id);
    CHECK(after[i].text == before[i].text);
    CHECK(after[i].prompt_id == before[i].prompt_id);
    CHECK(after[i].speaker == "s");
    CHECK(after[i].split == before[i].split);
    CHECK(after[i].duration_s == doctest::Approx(.2));
    const auto pcm = audio::decode_file(after[i].path);
    CHECK(pcm.size() == 3200);
  }
  const std::string first = io::read_file(after[5].path);
  std::filesystem::remove(after[5].path);
  make_context(folder / "m.jsonl", folder / "out", options);
  CHECK(io::read_file(after[5].path) == first);
  options.steps.pop_back();
  make_context(folder / "m.jsonl", folder / "out", options);
  CHECK(io::read_file(after[5].path) != first);
  options.steps.clear();
  CHECK_THROWS_AS(make_context(folder / "m.jsonl", folder / "out", options), UserError);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace otoscope::contexts
