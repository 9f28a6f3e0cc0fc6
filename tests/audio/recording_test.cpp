#include "otoscope/audio/recording.h"

#include <doctest/doctest.h>

#include "audio/ffmpeg_program.h"
#include "otoscope/audio/mel.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"
#include "support/close.h"

namespace otoscope::audio {
namespace {

using otoscope::testing::TemporaryFolder;

std::vector<int16_t> noise(int64_t n, uint64_t seed) {
  Rng rng(seed, "recording");
  std::vector<int16_t> pcm(static_cast<size_t>(n));
  double level = 500;
  for (size_t i = 0; i < pcm.size(); ++i) {
    if (i % 8000 == 0) level = rng.uniform(5, 4000);
    pcm[i] = static_cast<int16_t>(level * rng.uniform(-1, 1));
  }
  return pcm;
}

std::filesystem::path raw_to_flac(const TemporaryFolder& folder, const std::vector<int16_t>& pcm) {
  const auto raw = folder.path() / "x.raw", flac = folder.path() / "x.flac";
  io::write_file(raw, {reinterpret_cast<const char*>(pcm.data()), pcm.size() * 2});
  REQUIRE(testing::ffmpeg("-f s16le -ar 16000 -ac 1 -i '" + raw.string() + "' '" + flac.string() +
                          "'") == 0);
  return flac;
}

bool equal(const Tensor<float>& a, View<const float> b) {
  return a.shape() == b.shape && std::equal(a.data(), a.data() + a.size(), b.data);
}

}  // namespace

TEST_CASE("any stretch of a recording has the bits of the mel of the whole") {
  const std::vector<int16_t> pcm = noise(100 * 16000 + 77, 1);
  std::vector<float> padded;
  for (const int16_t s : pcm) padded.push_back(static_cast<float>(s) / 32768.0f);
  padded.resize(pcm.size() + 480000, 0.0f);
  Tensor<float> whole = mel_power_log10(padded, 80);
  const float maximum = *std::max_element(whole.data(), whole.data() + whole.size());
  finish_log_mel(whole, maximum);

  const TemporaryFolder folder;
  const auto flac = raw_to_flac(folder, pcm);
  // 1 s of memory makes the second reading necessary.
  for (const int64_t resident : {Recording::kResidentBytes, int64_t{32000}}) {
    CAPTURE(resident);
    Recording recording = Recording::open(flac, 80, resident);
    CHECK(recording.samples() == static_cast<int64_t>(pcm.size()));
    CHECK(recording.content_frames() == 10000);
    CHECK(recording.maximum() == maximum);
    const int64_t frames = whole.shape()[0];
    for (const auto& stretch : {std::pair<int64_t, int64_t>{0, 3000},
                                {1, 1},
                                {2500, 3000},
                                {5500, 2999},
                                {7123, 10},
                                {9990, 3010},
                                {frames - 2, 2},
                                {0, 1},
                                {13, 7},
                                {8000, 2000}}) {
      const int64_t first = stretch.first, n = stretch.second;
      CAPTURE(first);
      CHECK(equal(recording.log_mel(first, n), whole.view().slice(first, first + n)));
    }
    const Tensor<float> last = recording.log_mel_segment(8000, 2000);
    CHECK(last.shape() == Shape{3000, 80});
    CHECK(
        equal(Tensor<float>::copy_of(last.view().slice(0, 2000)), whole.view().slice(8000, 10000)));
    CHECK(last.at(2000, 0) == 0.0f);
    CHECK(last.at(2999, 79) == 0.0f);
    const std::vector<float> part = recording.pcm(1600070, 10);
    for (size_t i = 0; i < 10; ++i) CHECK(part[i] == padded[1600070 + i]);
  }
}

TEST_CASE("recordings of a few samples have a length and a floor") {
  for (const int64_t n : {0, 1, 159, 160, 199, 200, 201, 399, 400, 401}) {
    CAPTURE(n);
    const std::vector<int16_t> pcm = noise(n, 2);
    Recording recording = Recording::of_pcm(pcm, 80);
    CHECK(recording.samples() == n);
    CHECK(recording.content_frames() == n / 160);
    std::vector<float> padded(static_cast<size_t>(n) + 480000, 0.0f);
    for (size_t i = 0; i < pcm.size(); ++i) padded[i] = static_cast<float>(pcm[i]) / 32768.0f;
    const Tensor<float> whole = mel_power_log10(padded, 80);
    CHECK(recording.maximum() == *std::max_element(whole.data(), whole.data() + whole.size()));
    CHECK(recording.log_mel(0, 3000).shape() == Shape{3000, 80});
  }
}

TEST_CASE("ctrl-C ends the reading of a long file") {
  const TemporaryFolder folder;
  const auto flac = raw_to_flac(folder, noise(160000, 3));
  request_interrupt();
  CHECK_THROWS_AS(Recording::open(flac, 80), Interrupted);
  clear_interrupt();
  CHECK(Recording::open(flac, 0).samples() == 160000);
}

}  // namespace otoscope::audio
