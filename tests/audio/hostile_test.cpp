#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstring>

#include "audio/ffmpeg_program.h"
#include "otoscope/audio/decode.h"
#include "otoscope/audio/recording.h"
#include "support/close.h"
#include "support/errors.h"

namespace otoscope::audio {
namespace {

using namespace otoscope::audio::testing;
using otoscope::testing::error_of;
using otoscope::testing::TemporaryFolder;

/// A WAV header of 44 bytes in front of `data`.
std::string wav(const std::string& data, uint32_t rate, uint16_t channels, uint32_t stated) {
  std::string head = std::string("RIFF____WAVEfmt ") + std::string("\x10\0\0\0\x01\0", 6) +
                     std::string(14, '\0') + "data" + std::string(4, '\0');
  const uint32_t all = stated + 36, per_second = rate * channels * 2;
  const auto block = static_cast<uint16_t>(channels * 2);
  const uint16_t bits = 16;
  std::memcpy(head.data() + 4, &all, 4);
  std::memcpy(head.data() + 22, &channels, 2);
  std::memcpy(head.data() + 24, &rate, 4);
  std::memcpy(head.data() + 28, &per_second, 4);
  std::memcpy(head.data() + 32, &block, 2);
  std::memcpy(head.data() + 34, &bits, 2);
  std::memcpy(head.data() + 40, &stated, 4);
  return head + data;
}

std::string noise(size_t bytes) {
  std::string data(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) data[i] = static_cast<char>((i * i * 31 + i) >> 3);
  return data;
}

/// One line, naming the file.
void check_refused(const std::filesystem::path& path, const std::string& expected) {
  const std::string error = error_of([&] { decode_file(path); });
  CAPTURE(error);
  CHECK(error.find(path.string()) != std::string::npos);
  CHECK(error.find(expected) != std::string::npos);
  CHECK(error.find("Hint: ") != std::string::npos);
  CHECK(error.find('\n') == std::string::npos);
  CHECK(error_of([&] { Recording::open(path, 80); }) == error);
}

}  // namespace

TEST_CASE("what is not audio is refused with its name") {
  const TemporaryFolder folder;
  const auto at = [&](const char* name) { return folder.path() / name; };
  check_refused(at("missing.wav"), "No such file");
  check_refused(folder.path(), "a folder");
  io::write_file(at("empty.wav"), "");
  check_refused(at("empty.wav"), "empty file");
  io::write_file(at("empty.g722"), "");
  check_refused(at("empty.g722"), "empty file");
  io::write_file(at("note.txt"), "This is not sound.\n");
  check_refused(at("note.txt"), "expected a");
  io::write_file(at("note.mp3"), std::string(5000, 'x') + "\n");
  check_refused(at("note.mp3"), "expected");
  REQUIRE(::mkfifo(at("pipe.wav").c_str(), 0600) == 0);
  check_refused(at("pipe.wav"), "a pipe or a device");
  check_refused("/dev/null", "a pipe or a device");
}

TEST_CASE("a playlist or a URL opens nothing else") {
  const TemporaryFolder folder;
  io::write_file(folder.path() / "inner.wav", wav(noise(64000), 16000, 1, 64000));
  io::write_file(folder.path() / "list.m3u8",
                 "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\ninner.wav\n#EXT-X-ENDLIST\n");
  check_refused(folder.path() / "list.m3u8", "expected a");
  io::write_file(folder.path() / "list.ffconcat", "ffconcat version 1.0\nfile inner.wav\n");
  check_refused(folder.path() / "list.ffconcat", "expected a");
  check_refused("concat:a.wav|b.wav", "No such file");
  check_refused("http://localhost/x.wav", "No such file");
}

TEST_CASE("files without a sample, and video without sound, are refused") {
  const TemporaryFolder folder;
  const auto nothing = folder.path() / "nothing.wav";
  io::write_file(nothing, wav("", 16000, 1, 0));
  check_refused(nothing, "expected");
  const auto silent = folder.path() / "silent.mp4";
  REQUIRE(ffmpeg("-f lavfi -i testsrc=size=64x48:rate=10:duration=1 -c:v mpeg4 '" +
                 silent.string() + "'") == 0);
  check_refused(silent, "without an audio stream");
}

TEST_CASE("a file cut short says how much is missing") {
  const TemporaryFolder folder;
  for (const char* name : {"x.wav", "x.flac", "x.m4a", "x.aiff", "x.opus"}) {
    CAPTURE(std::string(name));
    const auto path = folder.path() / name;
    REQUIRE(ffmpeg("-f lavfi -i sine=frequency=440:duration=8 '" + path.string() + "'") == 0);
    const std::string bytes = io::read_file(path);
    CHECK(decode_file(path).size() >= 8 * 16000);
    io::write_file(path, std::string_view(bytes).substr(0, bytes.size() / 2));
    if (std::string_view(name) == "x.opus")  // its pages state no length: what is there is given
      CHECK(decode_file(path).size() > 2 * 16000);
    else
      check_refused(path, std::string_view(name) == "x.m4a" ? "expected" : "cut short");
  }
}

TEST_CASE("absurd headers are refused, strange ones are read") {
  const TemporaryFolder folder;
  const std::string data = noise(64000);
  const auto path = folder.path() / "x.wav";
  for (const uint32_t rate : {1u, 999u, 5'000'000u, 0x7fffffffu, 0xffffffffu}) {
    CAPTURE(rate);
    io::write_file(path, wav(data, rate, 1, 64000));
    check_refused(path, "expected");
  }
  for (const uint32_t rate : {1000u, 7350u, 11025u, 44099u, 384000u, 3'000'000u}) {
    CAPTURE(rate);
    io::write_file(path, wav(data, rate, 1, 64000));
    CHECK(decoded_by_us(path) == decoded_by_ffmpeg(path));
  }
  for (const uint16_t channels : {3, 5, 7, 8, 9, 1000}) {
    CAPTURE(channels);
    io::write_file(path, wav(data, 16000, channels, 64000 / (2u * channels) * 2u * channels));
    if (channels > 8)
      check_refused(path, "expected");
    else
      CHECK(decoded_by_us(path) == decoded_by_ffmpeg(path));
  }
  io::write_file(path, wav(data, 16000, 1, 0xffffffffu));  // streamed: to the end of the file
  CHECK(decode_file(path).size() == 32000);
}

}  // namespace otoscope::audio
