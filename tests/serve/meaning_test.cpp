/// Names, categories and their evidence in the page.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "features/planted.h"
#include "otoscope/audio/label_lines.h"
#include "otoscope/features/describe.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/io/sqlite.h"
#include "otoscope/serve/check.h"
#include "otoscope/serve/report.h"
#include "serve/claim.h"
#include "support/close.h"
#include "support/errors.h"
#include "support/tone.h"

namespace otoscope::serve {
namespace {

constexpr int64_t kClips = 80, kFrames = 60;

/// Clips say "m" from frame 20 or 40 on, five frames long; axis 0 fires there, axis 1 on a beat of
/// its own.
bool says(int64_t clip, int64_t frame) {
  const int64_t start = clip % 3 == 0 ? 40 : 20;
  return frame >= start && frame < start + 5;
}

void describe_labelled(const std::filesystem::path& run) {
  io::write_file(run / "tone.wav", testing::tone());
  features::testing::write_planted(
      run / "acts", kClips, kFrames,
      [](int64_t clip, int64_t frame, int64_t axis) {
        if (axis == 0) return says(clip, frame) ? 1.0f + 0.01f * static_cast<float>(clip) : 0.0f;
        return axis == 1 && (7 * clip + frame) % 13 == 0 ? 1.0f : 0.0f;
      },
      (run / "tone.wav").string());
  const std::filesystem::path index = run / "acts" / "index.json";
  io::Json json = io::read_json(index);
  for (size_t i = 0; i < json.at("items").size(); ++i)
    json.at("items")[i]["split"] = i % 4 == 3 ? "test" : "train";
  io::write_json(index, json);
  std::vector<audio::ClipLabels> clips;
  for (int64_t c = 0; c < kClips; ++c) {
    audio::Track phones{audio::LabelKind::phone, "hand", 1, 0, 0.02 * kFrames, {}};
    const double at = 0.02 * (c % 3 == 0 ? 40 : 20) - 0.01;
    phones.labels.push_back({at, at + 0.1, "m"});
    clips.push_back({"clip" + std::to_string(c), 0.02 * kFrames, {phones}});
  }
  audio::write_label_lines(run / "labels.jsonl", clips);
  sae::Sae sae = features::testing::axis_sae(2);
  sae::save(sae, run / "sae" / "encoder.out" / "planted");
  features::DescribeOptions options;
  options.labels = (run / "labels.jsonl").string();
  options.meaning.null.permutations = 99;
  options.controls.controls = {"shuffled-labels", "random"};
  features::describe(sae, store::Store::open(run / "acts"), options, silent_progress());
}

}  // namespace

TEST_CASE("a named feature stands under its category with n, interval and control beside it") {
  const otoscope::testing::TemporaryFolder folder;
  describe_labelled(folder.path());
  const ReportSummary made = write_report(folder.path(), {}, silent_progress());
  const std::string page = io::read_file(made.path);
  const ReportCheck check = check_report(page, folder.path());
  CHECK(check.problems.empty());
  CHECK(check.numbers == made.numbers);

  const io::Json facts = io::read_json(folder.path() / "report.json");
  const io::Json& cards = facts.at("saes")[0].at("categories");
  REQUIRE(cards.size() == 1);
  CHECK(cards[0].at("category") == "phonetic");
  const io::Json& meaning = cards[0].at("features")[0].at("meaning");
  CHECK(meaning.at("name") == "phone /m/");
  const io::Json& claim = meaning.at("claim");
  // Axis 0 is the label: 20 test clips of 5 rows, 20 of 60 rows known.
  CHECK(claim.at("precision").at("value").get<double>() == 1);
  CHECK(claim.at("precision").at("n") == 100);
  CHECK(claim.at("base").get<double>() == doctest::Approx(100.0 / (20 * kFrames)));
  CHECK(claim.at("fired") == 100);
  CHECK(claim.at("test_events") == 20);
  CHECK(claim.at("events") == 80);

  const size_t fold = page.find("<details class=\"category\" open");
  REQUIRE(fold != std::string::npos);
  const std::string rest = page.substr(fold, page.find("</details>", fold) - fold);
  for (const char* piece :
       {"phone /m/", "<audio ", "data:image/png", "class=\"overlay\"", "/meaning/claim/base",
        "/meaning/claim/f1/low", "/meaning/claim/fired", "/meaning/claim/p\""})
    CHECK_MESSAGE(rest.find(piece) != std::string::npos, piece);
}

TEST_CASE("tables of a foreign database that do not fit each other are refused in a line") {
  const otoscope::testing::TemporaryFolder folder;
  describe_labelled(folder.path());
  const auto error_with = [&](const char* sql) {
    io::Database(folder.path() / "sae" / "encoder.out" / "planted" / "features.sqlite",
                 io::Database::Mode::write)
        .execute(sql);
    return otoscope::testing::error_of([&] { write_report(folder.path(), {}, silent_progress()); });
  };
  CHECK(error_with("UPDATE meta SET value = 'many' WHERE key = 'rows'")
            .find("expected a count at rows of meta, got many") != std::string::npos);
  CHECK(error_with(
            "CREATE TEMP TABLE c AS SELECT * FROM categories WHERE feature = 0;"
            "CREATE TEMP TABLE a AS SELECT * FROM associations WHERE feature = 0;"
            "UPDATE c SET feature = 999; UPDATE a SET feature = 999;"
            "INSERT INTO categories SELECT * FROM c; INSERT INTO associations SELECT * FROM a;")
            .find("expected a feature 999, got none") != std::string::npos);
}

TEST_CASE("the best control of a category is named, the ceiling is not") {
  const Document categories{"categories.json", std::make_shared<io::Json>(io::parse_json(R"({
    "columns": [{"name": "features", "ceiling": false}, {"name": "a/b", "ceiling": false},
                {"name": "neurons", "ceiling": false}, {"name": "probe", "ceiling": true}],
    "categories": [{"category": "phonetic", "standing": "not shown: neurons",
                    "best_f1": {"features": 0.9, "a/b": 0.3, "neurons": 0.2, "probe": 1.0}},
                   {"category": "unnamed"}]})",
                                                                                         "test"))};
  const Standing standing = standing_of(categories, "phonetic");
  CHECK(standing.words == "not shown: neurons");
  CHECK(standing.pointer == "/categories/0");
  CHECK(standing.best_control == "a/b");
  CHECK(escaped_key("a/b~c") == "a~1b~0c");
  CHECK(standing_of(categories, "unnamed").words.empty());
  CHECK(standing_of(categories, "lexical").pointer.empty());
}

}  // namespace otoscope::serve
