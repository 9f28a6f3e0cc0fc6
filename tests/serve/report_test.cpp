#include "otoscope/serve/report.h"

#include <doctest/doctest.h>

#include <cmath>

#include "features/planted.h"
#include "otoscope/features/describe.h"
#include "otoscope/io/file.h"
#include "otoscope/serve/check.h"
#include "support/close.h"
#include "support/errors.h"

namespace otoscope::serve {
namespace {

/// A second of a tone as a 16 kHz mono WAV file.
std::string tone() {
  std::string data;
  for (int i = 0; i < 32000; ++i) {
    const auto sample = static_cast<int16_t>(8000 * std::sin(0.2 * i));
    data += static_cast<char>(sample & 255);
    data += static_cast<char>((sample >> 8) & 255);
  }
  const auto number = [](uint32_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>((value >> (8 * i)) & 255);
    return text;
  };
  const auto size = static_cast<uint32_t>(data.size());
  return "RIFF" + number(36 + size, 4) + "WAVEfmt " + number(16, 4) + number(1, 2) + number(1, 2) +
         number(16000, 4) + number(32000, 4) + number(2, 2) + number(16, 2) + "data" +
         number(size, 4) + data;
}

/// A run with one described SAE whose clips exist.
void make_run(const std::filesystem::path& run) {
  io::write_file(run / "tone.wav", tone());
  features::testing::write_planted(
      run / "acts", 24, 100,
      [](int64_t item, int64_t frame, int64_t axis) {
        return axis == 0 && frame % 20 == 3 ? 1.0f + 0.01f * static_cast<float>(item)
               : axis == 3                  ? 1.0f
                                            : 0.0f;
      },
      (run / "tone.wav").string());
  sae::Sae sae = features::testing::axis_sae(5);
  sae::save(sae, run / "sae" / "encoder.out" / "planted");
  features::describe(sae, store::Store::open(run / "acts"), {}, silent_progress());
}

}  // namespace

TEST_CASE("a report holds its numbers against their files, needs no network, and is kept") {
  const testing::TemporaryFolder folder;
  make_run(folder.path());
  const ReportSummary made = write_report(folder.path(), {}, silent_progress());
  CHECK(made.features >= 1);
  CHECK(made.examples >= 1);
  const std::string page = io::read_file(made.path);
  const ReportCheck check = check_report(page, folder.path());
  CHECK(check.problems.empty());
  CHECK(check.numbers == made.numbers);
  CHECK(check.numbers > 10);
  CHECK(page.find("http:") == std::string::npos);
  CHECK(page.find("https:") == std::string::npos);
  CHECK(page.find("data:audio/mpeg;base64,") != std::string::npos);
  CHECK(page.find("data:image/png;base64,") != std::string::npos);

  const auto written = std::filesystem::last_write_time(made.path);
  CHECK(write_report(folder.path(), {}, silent_progress()).numbers == made.numbers);
  CHECK(std::filesystem::last_write_time(made.path) == written);
  // A page that no longer equals its files is made again.
  io::write_file(folder.path() / "report.json", "{\"saes\": [], \"controls\": []}\n");
  write_report(folder.path(), {}, silent_progress());
  CHECK(io::read_file(made.path) == page);
}

TEST_CASE("clips that are gone are left out, not fatal") {
  const testing::TemporaryFolder folder;
  make_run(folder.path());
  std::filesystem::remove(folder.path() / "tone.wav");
  CHECK(write_report(folder.path(), {}, silent_progress()).examples == 0);
}

}  // namespace otoscope::serve
