#include "otoscope/audio/decode.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "audio/ffmpeg_program.h"
#include "otoscope/io/hash.h"
#include "support/close.h"

namespace otoscope::audio {
namespace {

using namespace otoscope::audio::testing;
using otoscope::testing::TemporaryFolder;

/// A generated stereo signal: a sweep on the left, noise by seed on the right, 44.1 kHz.
constexpr const char* kSweepAndNoise =
    "-f lavfi -i \"aevalsrc=exprs='0.6*sin(2*PI*(200+900*t)*t)|0.3*sin(2*PI*337*t)*sin(40*t)':"
    "s=44100:d=2.3\" ";

struct Kind {
  const char* file;
  const char* how;
};

void check_equal(const std::filesystem::path& path, const std::string& input_options = {}) {
  const std::vector<int16_t> ours = decoded_by_us(path);
  const std::vector<int16_t> theirs = decoded_by_ffmpeg(path, input_options);
  CHECK(theirs.size() > 8000);
  CHECK(ours.size() == theirs.size());
  const auto differing = std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end());
  const auto place = differing.first - ours.begin();
  CHECK_MESSAGE(ours == theirs, path.filename().string() << ": first difference at sample " << place
                                                         << " of " << theirs.size());
}

}  // namespace

TEST_CASE("every common container and codec decodes to the samples of the ffmpeg program") {
  const TemporaryFolder folder;
  for (const Kind& kind : std::initializer_list<Kind>{
           {"pcm.wav", ""},
           {"pcm16k.wav", "-ar 16000 -ac 1"},
           {"pcm8k.wav", "-ar 8000 -ac 1"},
           {"stereo16k.wav", "-ar 16000 -ac 2"},
           {"float.wav", "-c:a pcm_f32le -ar 48000"},
           {"deep.wav", "-c:a pcm_s24le -ar 96000"},
           {"bytes.wav", "-c:a pcm_u8 -ar 22050"},
           {"double16k.wav", "-c:a pcm_f64le -ar 16000 -ac 1"},
           {"six.wav", "-ac 6 -ar 48000"},
           {"law.au", "-c:a pcm_mulaw -ar 8000 -ac 1"},
           {"x.aiff", ""},
           {"x.flac", ""},
           {"deep.flac", "-sample_fmt s32 -ar 192000"},
           {"x.mp3", "-b:a 128k"},
           {"variable.mp3", "-q:a 4 -ar 22050 -ac 1"},
           {"aac.m4a", "-c:a aac -b:a 96k"},
           {"alac.m4a", "-c:a alac"},
           {"x.opus", "-c:a libopus -b:a 32k"},
           {"vorbis.ogg", "-c:a libvorbis"},
           {"x.ac3", "-ac 6 -ar 48000"},
           {"x.wma", ""},
           {"x.mka", "-c:a libopus"},
           {"x.webm", "-c:a libopus"},
           {"x.aac", "-c:a aac"},
           {"x.caf", ""},
           {"x.ts", "-c:a aac"},
       }) {
    CAPTURE(std::string(kind.file));
    const auto path = folder.path() / kind.file;
    REQUIRE(ffmpeg(std::string(kSweepAndNoise) + kind.how + " '" + path.string() + "'") == 0);
    check_equal(path);
  }
}

TEST_CASE("the sound of a video is decoded, and ffmpeg's own choice of several streams is made") {
  const TemporaryFolder folder;
  const std::string picture = "-f lavfi -i testsrc=size=64x48:rate=10:duration=2.3 ";
  for (const Kind& kind : std::initializer_list<Kind>{
           {"film.mp4", "-c:v mpeg4 -c:a aac -shortest"},
           {"film.mkv", "-c:v mpeg4 -c:a libmp3lame -shortest"},
           {"two.mkv",
            "-map 0:v -map 1:a -map 1:a -c:v mpeg4 -c:a pcm_s16le -ac:a:0 1 -ac:a:1 2 "
            "-filter:a:0 volume=0.2 -disposition:a 0"},
           {"default.mkv",
            "-map 0:v -map 1:a -map 1:a -c:v mpeg4 -c:a pcm_s16le -ac:a:0 1 -ac:a:1 2 "
            "-filter:a:0 volume=0.2 -disposition:a:0 default -disposition:a:1 0"},
       }) {
    CAPTURE(std::string(kind.file));
    const auto path = folder.path() / kind.file;
    REQUIRE(ffmpeg(picture + kSweepAndNoise + kind.how + " '" + path.string() + "'") == 0);
    check_equal(path);
  }
}

TEST_CASE("raw G.722 is told by its extension") {
  const TemporaryFolder folder;
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  const auto path = folder.path() / "all.G722";
  io::write_file(path, bytes);
  const std::vector<int16_t> samples = decoded_by_us(path);
  REQUIRE(samples.size() == 512);
  CHECK(io::sha256(std::as_bytes(std::span(samples))) ==
        "7b0124837aec50a445791ad3b964e14ed082238791e084d3abc1b945a62a172c");

  const auto speech = folder.path() / "x.g722";
  REQUIRE(ffmpeg(std::string(kSweepAndNoise) + "-ar 16000 -ac 1 '" + speech.string() + "'") == 0);
  check_equal(speech, "-f g722");
}

TEST_CASE("a stream that is broken in the middle gives what ffmpeg gives") {
  const TemporaryFolder folder;
  for (const char* file : {"x.mp3", "x.flac", "x.opus", "x.aac", "x.mka"}) {
    CAPTURE(std::string(file));
    const auto path = folder.path() / file;
    REQUIRE(ffmpeg(std::string(kSweepAndNoise) + "'" + path.string() + "'") == 0);
    std::string bytes = io::read_file(path);
    for (size_t i = bytes.size() / 2; i < bytes.size() / 2 + 400; ++i)
      bytes[i] = static_cast<char>(i * 37);
    io::write_file(path, bytes);
    check_equal(path);
  }
}

TEST_CASE("samples do not depend on the size of the pieces, and a part is a part of the whole") {
  const TemporaryFolder folder;
  const auto path = folder.path() / "x.mp3";
  REQUIRE(ffmpeg(std::string(kSweepAndNoise) + "'" + path.string() + "'") == 0);
  const std::vector<int16_t> whole = decoded_by_us(path);
  CHECK(decoded_by_us(path, 1) == whole);
  CHECK(decoded_by_us(path, 1000000) == whole);
  const std::vector<float> part = decode_file(path, 0.5, 0.25);
  REQUIRE(part.size() == 4000);
  for (size_t i = 0; i < part.size(); ++i)
    CHECK(part[i] == static_cast<float>(whole[8000 + i]) / 32768.0f);
  CHECK(decode_file(path).size() == whole.size());
  CHECK(decode_file(path, 2.0, 100.0).size() == whole.size() - 32000);
}

}  // namespace otoscope::audio
