#include "otoscope/audio/encode.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "otoscope/audio/decode.h"
#include "otoscope/io/file.h"
#include "support/close.h"

namespace otoscope::audio {

TEST_CASE("a tone survives mp3 and comes back at its level") {
  std::vector<float> tone(16000);
  for (size_t i = 0; i < tone.size(); ++i)
    tone[i] = 0.5f * static_cast<float>(
                         std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / 16000));
  const std::string mp3 = encode_mp3(tone);
  CHECK(mp3.size() > 1000);
  CHECK(mp3.size() < 16000);

  const testing::TemporaryFolder folder;
  io::write_file(folder.path() / "tone.mp3", mp3);
  const std::vector<float> back = decode_file(folder.path() / "tone.mp3");
  REQUIRE(back.size() > 15000);
  double power = 0;
  for (size_t i = 4000; i < 12000; ++i) power += static_cast<double>(back[i]) * back[i];
  CHECK(std::sqrt(power / 8000) == doctest::Approx(0.5 / std::sqrt(2.0)).epsilon(0.05));
}

TEST_CASE("nothing encodes to nothing") { CHECK(encode_mp3({}).empty()); }

}  // namespace otoscope::audio
