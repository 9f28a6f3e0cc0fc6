#include "otoscope/features/describe.h"

#include <doctest/doctest.h>

#include "features/planted.h"
#include "otoscope/io/sqlite.h"
#include "support/close.h"
#include "support/errors.h"

namespace otoscope::features {
namespace {

using otoscope::testing::TemporaryFolder;

/// Axis 0: language a; 1: the first ten positions; 2: never; 3: always; 4: every fifth frame of
/// clip 0.
float planted_value(int64_t item, int64_t frame, int64_t axis) {
  switch (axis) {
    case 0:
      return item % 2 == 0 && frame % 20 == 3 ? 1.0f + 0.01f * static_cast<float>(item) : 0.0f;
    case 1:
      return frame < 10 && frame % 3 == 0 ? 2.0f : 0.0f;
    case 3:
      return 1.0f;
    case 4:
      return item == 0 && frame % 5 == 0 ? 1.0f + static_cast<float>(frame) : 0.0f;
    default:
      return 0.0f;
  }
}

struct Fixture {
  TemporaryFolder folder;
  sae::Sae sae = testing::axis_sae(5);
  Fixture() {
    testing::write_planted(folder.path() / "acts", 24, 100, planted_value);
    // Shifted by 30 frames: what hangs on position moves within the clip, the rest does not.
    testing::write_planted(folder.path() / "shifted", 24, 100,
                           [](int64_t item, int64_t frame, int64_t axis) {
                             return axis == 1 ? 0.0f : planted_value(item, frame, axis);
                           });
    sae::save(sae, folder.path() / "sae");
  }
  DescribeSummary run(std::vector<std::string> shifted = {}) {
    DescribeOptions options;
    options.shifted = std::move(shifted);
    return describe(sae, store::Store::open(folder.path() / "acts"), options, silent_progress());
  }
  io::Statement query(const std::string& sql) const {
    io::Statement rows = io::Database(folder.path() / "sae" / "features.sqlite").prepare(sql);
    REQUIRE(rows.step());
    return rows;
  }
};

}  // namespace

TEST_CASE("planted features get the rates, languages and states that were planted") {
  Fixture fixture;
  const DescribeSummary summary = fixture.run();
  CHECK(summary.features == 5);
  CHECK(summary.dead == 1);
  CHECK(summary.dense == 1);
  CHECK(summary.rows == 2400);
  CHECK(summary.clusters == 24);

  io::Statement language = fixture.query(
      "SELECT fired, rate, rate_low, rate_high, language, language_share, language_low, "
      "language_lift FROM features WHERE id = 0");
  CHECK(language.integer(0) == 60);
  CHECK(language.number(1) == doctest::Approx(60.0 / 2400));
  CHECK(language.number(2) < 60.0 / 2400);
  CHECK(language.number(3) > 60.0 / 2400);
  CHECK(language.text(4) == "a");
  CHECK(language.number(5) == 1.0);
  CHECK(language.number(6) == 1.0);
  CHECK(language.number(7) == doctest::Approx(2.0));
  CHECK(fixture.query("SELECT state FROM features WHERE id = 0").text(0) == "unmeasured");
  // Firing decided by position has the larger correlation ratio.
  CHECK(fixture
            .query("SELECT (SELECT position_eta FROM features WHERE id = 1) > (SELECT position_eta "
                   "FROM features WHERE id = 0)")
            .integer(0) == 1);
  CHECK(fixture.query("SELECT largest_item_share FROM features WHERE id = 4").number(0) == 1.0);
}

TEST_CASE(
    "examples come from distinct clips, the strongest first, with their activations around them") {
  Fixture fixture;
  fixture.run();
  CHECK(fixture
            .query("SELECT count(*) = count(DISTINCT item) FROM examples WHERE feature = 0 AND "
                   "kind = 'top'")
            .integer(0) == 1);
  io::Statement best = fixture.query(
      "SELECT item, frame, value, first_frame, trace FROM examples WHERE feature = 4 AND kind = "
      "'top'");
  CHECK(best.integer(0) == 0);
  CHECK(best.integer(1) == 95);
  CHECK(best.number(2) == 96.0);
  const std::string trace = best.blob(4);
  const auto peak = static_cast<size_t>(95 - best.integer(3));
  REQUIRE(trace.size() > peak);
  CHECK(static_cast<unsigned char>(trace[peak]) == 255);
  CHECK(trace[peak - 1] == 0);
  // Weak firings are shown too: the lowest quantile's examples are weaker than the highest's.
  CHECK(fixture
            .query("SELECT (SELECT max(value) FROM examples WHERE feature = 4 AND kind = 'quantile "
                   "1') < "
                   "(SELECT min(value) FROM examples WHERE feature = 4 AND kind = 'quantile 5')")
            .integer(0) == 1);
}

TEST_CASE("the shift test finds what hangs on position") {
  Fixture fixture;
  const std::string base = (fixture.folder.path() / "acts").string(),
                    moved = (fixture.folder.path() / "shifted").string();
  const DescribeSummary summary = fixture.run({base, moved});
  CHECK(summary.position_bound == 1);
  CHECK(fixture.query("SELECT state FROM features WHERE id = 1").text(0) == "position-bound");
  io::Statement kept =
      fixture.query("SELECT state, shift_share, shift_n FROM features WHERE id = 0");
  CHECK(kept.text(0) == "alive");
  CHECK(kept.number(1) == 1.0);
  CHECK(kept.integer(2) == 60);
}

TEST_CASE("a finished database is kept, and search finds words in examples") {
  Fixture fixture;
  fixture.run();
  const auto path = fixture.folder.path() / "sae" / "features.sqlite";
  const auto written = std::filesystem::last_write_time(path);
  fixture.run();
  CHECK(std::filesystem::last_write_time(path) == written);
  const std::vector<Found> found = search(path, "walrus");
  REQUIRE(!found.empty());
  CHECK(found[0].example_text == "the only mention of walrus");
  CHECK(search(path, "no-such-word \" OR").empty());
}

TEST_CASE("an SAE of another width is refused with both widths") {
  Fixture fixture;
  sae::Sae wide = testing::axis_sae(5);
  wide.W_enc = Tensor<float>(Shape{5, 9});
  const std::string message = otoscope::testing::error_of([&] {
    describe(wide, store::Store::open(fixture.folder.path() / "acts"), {}, silent_progress());
  });
  CHECK(message.find("expected rows of width 9 (the SAE's), got 8") != std::string::npos);
}

}  // namespace otoscope::features
