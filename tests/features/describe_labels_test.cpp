#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

#include "features/planted.h"
#include "otoscope/audio/label_lines.h"
#include "otoscope/features/describe.h"
#include "otoscope/io/json.h"
#include "otoscope/io/sqlite.h"
#include "support/close.h"
#include "support/errors.h"

namespace otoscope::features {
namespace {

using otoscope::testing::TemporaryFolder;

constexpr int64_t kClips = 80, kFrames = 60;

/// Clips say "ma" at frames 20..29 ("m" to 24, "a" after) and "so" at 40..49, in one of two orders.
bool says(int64_t clip, int64_t frame, bool first_word) {
  const bool early = frame >= 20 && frame < 30, late = frame >= 40 && frame < 50;
  return (clip % 3 == 0) == first_word ? late : early;
}

struct Fixture {
  TemporaryFolder folder;
  sae::Sae sae = testing::axis_sae(4);
  Fixture() {
    // Axis 0: "m"; 1: both words; 2: nothing; 3: a beat of its own.
    testing::write_planted(
        folder.path() / "acts", kClips, kFrames, [](int64_t clip, int64_t frame, int64_t axis) {
          const bool m = says(clip, frame, true) && frame % 10 < 5;
          if (axis == 0) return m ? 1.0f + 0.01f * static_cast<float>(frame) : 0.0f;
          if (axis == 1) return says(clip, frame, true) || says(clip, frame, false) ? 1.0f : 0.0f;
          return axis == 3 && (7 * clip + frame) % 13 == 0 ? 1.0f : 0.0f;
        });
    sae::save(sae, folder.path() / "sae");
    std::vector<audio::ClipLabels> clips;
    for (int64_t c = 0; c < kClips; ++c) {
      audio::ClipLabels clip{"clip" + std::to_string(c), 0.02 * kFrames, {}};
      audio::Track phones{audio::LabelKind::phone, "hand", 1, 0, 0.02 * kFrames, {}};
      audio::Track words = phones;
      words.kind = audio::LabelKind::word;
      for (const int64_t start : {20, 40}) {
        const bool ma = says(c, start, true);
        const double at = 0.02 * static_cast<double>(start) - 0.01;
        phones.labels.push_back({at, at + 0.1, ma ? "m" : "s"});
        phones.labels.push_back({at + 0.1, at + 0.2, ma ? "a" : "o"});
        words.labels.push_back({at, at + 0.2, ma ? "ma" : "so"});
      }
      clip.tracks = {phones, words};
      clips.push_back(clip);
    }
    audio::write_label_lines(folder.path() / "labels.jsonl", clips);
  }
  /// write_planted makes everything test: a quarter stays so.
  store::Store split_store() const {
    const auto index = folder.path() / "acts" / "index.json";
    io::Json json = io::read_json(index);
    for (size_t i = 0; i < json.at("items").size(); ++i)
      json.at("items")[i]["split"] = i % 4 == 3 ? "test" : "train";
    io::write_json(index, json);
    return store::Store::open(folder.path() / "acts");
  }
  DescribeSummary run(std::vector<std::string> controls = {"shuffled-labels", "random", "neurons",
                                                           "probe"}) {
    DescribeOptions options;
    options.labels = (folder.path() / "labels.jsonl").string();
    options.controls.controls = std::move(controls);
    options.meaning.null.permutations = 99;
    return describe(sae, split_store(), options, silent_progress());
  }
  std::filesystem::path database() const { return folder.path() / "sae" / "features.sqlite"; }
  io::Statement query(const std::string& sql) const {
    io::Statement rows = io::Database(database()).prepare(sql);
    REQUIRE(rows.step());
    return rows;
  }
};

}  // namespace

TEST_CASE("labels give features names, associations and a table beside controls") {
  Fixture fixture;
  const DescribeSummary summary = fixture.run();
  CHECK(summary.columns.size() == 5);
  CHECK(summary.columns[0].name == "features");
  CHECK(summary.columns[0].counts[static_cast<size_t>(Category::phonetic)] == 1);
  CHECK(summary.columns[1].name == "shuffled labels");
  CHECK(summary.columns[4].ceiling);

  io::Statement named =
      fixture.query("SELECT category, name, failed FROM categories WHERE feature = 0");
  CHECK(named.text(0) == "phonetic");
  CHECK(named.text(1).find("phone /m/; P 1.00 R 1.00, n 100") == 0);
  CHECK(named.is_null(2));
  CHECK(fixture.query("SELECT category FROM categories WHERE feature = 2").text(0) ==
        "never fires");
  CHECK(fixture.query("SELECT category FROM categories WHERE feature = 3").text(0) == "unnamed");

  io::Statement cell = fixture.query(
      "SELECT kind, value, tp, fp, fn, precision, precision_low, f1, clusters, onset, p FROM "
      "associations WHERE feature = 0 AND rank = 0");
  CHECK(cell.text(0) == "phone");
  CHECK(cell.text(1) == "m");
  CHECK(cell.integer(2) == 100);
  CHECK(cell.integer(3) == 0);
  CHECK(cell.integer(4) == 0);
  CHECK(cell.number(7) == 1.0);
  CHECK(cell.integer(8) == 20);
  CHECK(cell.number(9) == 0.0);
  CHECK(cell.number(10) <= 0.05);

  const io::Json json = io::read_json(fixture.folder.path() / "sae" / "categories.json");
  CHECK(json.at("schema") == "otoscope.categories");
  CHECK(json.at("columns").size() == 5);
  CHECK(json.at("kinds").at("word").at("tested") == "exactly by clip");
  CHECK(json.at("categories").at(0).at("counts").at("features") == 1);
}

TEST_CASE("names and labels are found, fast, and a finished description is kept") {
  Fixture fixture;
  fixture.run({"none"});
  const auto written = std::filesystem::last_write_time(fixture.database());
  CHECK(fixture.run({"none"}).columns.size() == 1);
  CHECK(std::filesystem::last_write_time(fixture.database()) == written);

  const auto begin = std::chrono::steady_clock::now();
  const std::vector<Found> found = search(fixture.database(), "phonetic m");
  const double ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  CHECK(ms < 100);  // a loaded machine; under 10 alone
  REQUIRE(!found.empty());
  CHECK(found[0].feature == 0);
  CHECK(found[0].category == "phonetic");
  CHECK(found[0].name.find("phone /m/") == 0);
  // A label that is not in the name finds it too.
  const std::vector<Found> by_label = search(fixture.database(), "word ma");
  CHECK(std::any_of(by_label.begin(), by_label.end(),
                    [](const Found& one) { return one.feature == 0; }));
  CHECK(!search(fixture.database(), "walrus").empty());  // an example's text
}

TEST_CASE("labels of other clips, and controls that are none, are refused") {
  Fixture fixture;
  audio::write_label_lines(fixture.folder.path() / "labels.jsonl",
                           {{"another", 1.0, {{audio::LabelKind::word, "hand", 1, 0, 1, {}}}}});
  CHECK(otoscope::testing::error_of([&] { fixture.run(); }).find("has labels") !=
        std::string::npos);
  Fixture whole;
  CHECK(otoscope::testing::error_of([&] {
          whole.run({"neuron"});
        }).find("expected a control, got \"neuron\"") != std::string::npos);
}

}  // namespace otoscope::features
