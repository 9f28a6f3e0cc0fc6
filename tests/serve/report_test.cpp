#include "otoscope/serve/report.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "audit/made_record.h"
#include "features/planted.h"
#include "otoscope/features/describe.h"
#include "otoscope/io/file.h"
#include "otoscope/serve/check.h"
#include "serve/summary.h"
#include "support/close.h"
#include "support/errors.h"
#include "support/tone.h"

namespace otoscope::serve {
namespace {

/// A run with one described SAE whose clips exist.
void make_run(const std::filesystem::path& run) {
  io::write_file(run / "tone.wav", testing::tone());
  otoscope::features::testing::write_planted(
      run / "acts", 24, 100,
      [](int64_t item, int64_t frame, int64_t axis) {
        return axis == 0 && frame % 20 == 3 ? 1.0f + 0.01f * static_cast<float>(item)
               : axis == 3                  ? 1.0f
                                            : 0.0f;
      },
      (run / "tone.wav").string());
  sae::Sae sae = otoscope::features::testing::axis_sae(5);
  sae::save(sae, run / "sae" / "encoder.out" / "planted");
  features::describe(sae, store::Store::open(run / "acts"), {}, silent_progress());
}

}  // namespace

TEST_CASE("a report holds its numbers against their files, needs no network, and is kept") {
  const otoscope::testing::TemporaryFolder folder;
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
  CHECK(page.find("class=\"facts claim\"") == std::string::npos);  // no labels, no claims
  CHECK(page.find("</data> clusters") != std::string::npos);

  const auto written = std::filesystem::last_write_time(made.path);
  const ReportSummary again = write_report(folder.path(), {}, silent_progress());
  CHECK(again.numbers == made.numbers);
  CHECK(again.examples == made.examples);
  CHECK(again.features == made.features);
  CHECK(std::filesystem::last_write_time(made.path) == written);
  // A page that no longer equals its files is made again.
  io::write_file(folder.path() / "report.json", "{\"saes\": [], \"controls\": []}\n");
  write_report(folder.path(), {}, silent_progress());
  CHECK(io::read_file(made.path) == page);
}

TEST_CASE("a record's page that comes later is linked") {
  const otoscope::testing::TemporaryFolder folder;
  make_run(folder.path());
  io::make_folder(folder.path() / "audit");
  io::write_file(folder.path() / "audit" / "a.json", audit::testing::record(20, 40).dump());
  const auto linked = [&] {
    return io::read_file(write_report(folder.path(), {}, silent_progress()).path)
               .find("href=\"audit/a.html\"") != std::string::npos;
  };
  CHECK_FALSE(linked());
  io::write_file(folder.path() / "audit" / "a.html", "<p>");
  CHECK(linked());
}

TEST_CASE("what is said of the voices holds for any corpus of fewer than ten speakers") {
  RunFiles run;
  run.saes.emplace_back();
  const io::Json eval = {{"rows", 10}, {"items", 3}, {"clusters", 2}, {"clusters_by", "prompt"}};
  run.saes[0].eval = Document{"eval.json", std::make_shared<io::Json>(eval)};
  Html html;
  write_data(html, run);
  const std::string page = html.take();
  CHECK(page.find("fewer than ten speakers") != std::string::npos);
  CHECK(page.find("Spanish") == std::string::npos);
}

TEST_CASE("files of a run that have another form are refused in a line") {
  const otoscope::testing::TemporaryFolder folder;
  make_run(folder.path());
  const auto error = [&] {
    return otoscope::testing::error_of([&] { write_report(folder.path(), {}, silent_progress()); });
  };
  const auto sae = folder.path() / "sae" / "encoder.out" / "planted";
  io::write_file(sae / "training.jsonl", "{\"step\": \"first\", \"loss\": 1}\n7\n");
  std::filesystem::create_directory(folder.path() / "findings");
  io::write_file(folder.path() / "findings" / "list.json", "[1, 2]");
  CHECK(error() == "nothing was thrown");
  io::write_file(sae / "eval.json", "[1]");
  const std::string eval = error();
  CHECK_MESSAGE(eval.starts_with("["), eval);
  std::filesystem::remove(sae / "eval.json");
  io::write_file(sae / "categories.json", "[1]");
  const std::string form = error();
  CHECK_MESSAGE(form.find("got one of another form") != std::string::npos, form);
}

TEST_CASE("clips that are gone are left out, not fatal") {
  const otoscope::testing::TemporaryFolder folder;
  make_run(folder.path());
  std::filesystem::remove(folder.path() / "tone.wav");
  CHECK(write_report(folder.path(), {}, silent_progress()).examples == 0);
}

}  // namespace otoscope::serve
