#include "otoscope/audio/textgrid.h"

#include <doctest/doctest.h>

#include "otoscope/io/file.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using audio::LabelKind;
using testing::error_of;

namespace {

audio::TextGrid golden(const char* name) {
  const auto path = testing::golden("labels") / name;
  return audio::parse_textgrid(io::read_file(path), name);
}
bool same(const audio::TextGrid& a, const audio::TextGrid& b) {
  bool equal = a.start == b.start && a.end == b.end && a.tiers.size() == b.tiers.size();
  for (size_t i = 0; equal && i < a.tiers.size(); ++i) {
    const auto &one = a.tiers[i], &other = b.tiers[i];
    equal = one.name == other.name && one.points == other.points &&
            one.entries.size() == other.entries.size();
    for (size_t k = 0; equal && k < one.entries.size(); ++k)
      equal = one.entries[k].start == other.entries[k].start &&
              one.entries[k].end == other.entries[k].end &&
              one.entries[k].value == other.entries[k].value;
  }
  return equal;
}
std::string short_grid(const std::string& body) {
  return "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\n0\n1\n<exists>\n1\n" + body;
}
std::string refusal(const std::string& text) {
  return error_of([&] { audio::parse_textgrid(text, "x"); });
}
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what Praat writes is read alike in the long and the short form") {
  const auto grid = golden("praat_long.TextGrid");
  CHECK(same(grid, golden("praat_short.TextGrid")));
  REQUIRE(grid.tiers.size() == 3);
  CHECK(grid.end == 0.5);
  REQUIRE(grid.tiers[0].entries.size() == 4);
  CHECK(grid.tiers[0].entries[1].value == "hh");
  CHECK(grid.tiers[0].entries[1].start == 0.13);
  CHECK(grid.tiers[0].entries[1].end == 0.205);
  CHECK(grid.tiers[1].entries[1].value == "he \"said\"");
  CHECK(grid.tiers[2].points);
  CHECK(grid.tiers[2].entries[0].value == "burst");
  CHECK(grid.tiers[2].entries[0].start == 0.2);
}

TEST_CASE("Praat's UTF-16 says the same as its UTF-8, and so do praatio and textgrid") {
  const auto wide = golden("praat_utf16.TextGrid");
  CHECK(same(wide, golden("praat_utf8.TextGrid")));
  CHECK(wide.tiers[0].entries[1].value == "tʃ");
  CHECK(golden("praatio.TextGrid").tiers[0].entries[2].value == "iy");
  const auto clip = audio::labels_of(golden("textgrid.TextGrid"), "c");
  REQUIRE(clip.find(LabelKind::phone) != nullptr);
  CHECK(clip.find(LabelKind::phone)->labels.at(1).value == "ə");
  CHECK(clip.find(LabelKind::word)->labels.at(0).value == "he \"said\"");
}

TEST_CASE("tiers become tracks by their names, and the rest is named") {
  std::vector<std::string> passed_over;
  auto clip = audio::labels_of(golden("praat_long.TextGrid"), "c", &passed_over);
  audio::check_labels("x", clip);
  CHECK(passed_over == std::vector<std::string>{"marks"});
  REQUIRE(clip.tracks.size() == 2);
  CHECK(clip.tracks[0].kind == LabelKind::phone);
  CHECK(clip.tracks[0].known_to == 0.5);
  REQUIRE(clip.tracks[0].labels.size() == 2);  // empty intervals carry no label
  CHECK(clip.tracks[0].labels[1].value == "iy");
  CHECK(clip.duration_s == 0.5);
}

TEST_CASE("labels that hold at once come back from layers of tiers") {
  audio::ClipLabels clip;
  clip.id = "c", clip.duration_s = 1;
  clip.tracks.push_back({LabelKind::phone_class,
                         "table",
                         1,
                         0,
                         1,
                         {{0, .5, "voiced"}, {0, .5, "vowel"}, {.5, .75, "voiced"}}});
  clip.tracks.push_back({LabelKind::word, "hand", 1, 0, 1, {{.25, .75, "a \"b\"\nc"}}});
  clip.tracks.push_back({LabelKind::silence, "measured", 1, 0, 1, {}});
  const auto grid = audio::textgrid_of(clip);
  REQUIRE(grid.tiers.size() == 4);
  CHECK(grid.tiers[1].name == "phone_class 2");
  for (const auto form : {audio::TextGridForm::longer, audio::TextGridForm::shorter}) {
    const auto again = audio::parse_textgrid(audio::textgrid_text(grid, form), "x");
    CHECK(same(grid, again));
    const auto back = audio::labels_of(again, "c");
    REQUIRE(back.tracks.size() == 3);
    CHECK(back.tracks[0].labels.size() == 3);
    CHECK(back.tracks[1].labels[0].value == "a \"b\"\nc");
    CHECK(back.tracks[2].labels.empty());
  }
}

TEST_CASE("neighbours that cross by their rounding stay on one tier") {
  audio::ClipLabels clip{"c", 1, {}};
  clip.tracks.push_back({LabelKind::phone,
                         "hand",
                         1,
                         0,
                         1,
                         {{0, .5, "a"}, {.499, .6, "b"}, {.5995, .6, "c"}, {.6, 1, "d"}}});
  audio::check_labels("x", clip);
  const auto grid = audio::textgrid_of(clip);
  REQUIRE(grid.tiers.size() == 1);
  const auto back = audio::labels_of(audio::parse_textgrid(audio::textgrid_text(grid), "x"), "c");
  CHECK(back.tracks.at(0).labels.size() == 3);  // "c" is shorter than the rounding
}

TEST_CASE("comments and words around the data are passed over") {
  const auto grid = audio::parse_textgrid(
      std::string("\xEF\xBB\xBF")
          .append(short_grid("! a \"comment\" 3\n\"IntervalTier\" \"words\" 0 1 item [99]: 1 "
                             "x7 7x 0 1 \"a!b\"")),
      "x");
  REQUIRE(grid.tiers.size() == 1);
  REQUIRE(grid.tiers[0].entries.size() == 1);
  CHECK(grid.tiers[0].entries[0].value == "a!b");
}

TEST_CASE("broken TextGrids are refused with the line") {
  CHECK(has(refusal(io::read_file(testing::golden("labels") / "praat_binary.TextGrid")),
            "got a binary one"));
  CHECK(has(refusal("{}"), "[x:1] expected ooTextFile in quotes, got the end"));
  CHECK(has(refusal("\"ooTextFile\" \"Pitch\" 0 1"), "class \"TextGrid\""));
  CHECK(has(refusal(short_grid("\"IntervalTier\" \"w\" 0 1 99999999")),
            "expected a number of entries"));
  CHECK(has(refusal(short_grid("\"IntervalTier\" \"w\" 0 1 -1")), "expected a number of entries"));
  CHECK(
      has(refusal(short_grid("\"IntervalTier\" \"w\" 0 1 1.5 ")), "expected a number of entries"));
  CHECK(has(refusal(short_grid("\"IntervalTier\" \"w\" 0 1 1\n0.5\n0.4\n\"a\"")),
            "[x:11] \"a\" ends at 0.4 before it starts at 0.5"));
  CHECK(has(refusal(short_grid("\"IntervalTier\" \"w\" 0 1 2 0 .6 \"a\" .5 1 \"b\"")),
            "they tile the tier"));
  CHECK(has(refusal(short_grid("\"IntervalTier\" \"w\" 0 1 1 0 2 \"a\"")), "its last entry at 2"));
  CHECK(has(refusal(short_grid("\"TextTier\" \"w\" 0 1 2 .5 \"a\" .4 \"b\"")), "points in order"));
  CHECK(has(refusal(short_grid("\"IntervalTier\" \"w\" 0 1 1 0 1 \"a")), "closing quote"));
  CHECK(has(refusal(short_grid("\"IntervalTier\" \"w\" 0 nan 1 0 1 \"a\"")),
            "expected the end, got \"1\""));
  CHECK(has(refusal(short_grid("\"AudioTier\" \"w\"")), "IntervalTier or TextTier"));
  CHECK(has(refusal(short_grid("\xFF")), "expected UTF-8 or UTF-16"));
  CHECK(has(refusal(std::string("\xFE\xFF\xD8\0x", 5)), "expected UTF-16, got half a character"));
  CHECK(has(refusal(std::string("\xFF\xFE\0\xDC", 4)), "expected UTF-16, got half a character"));
  const std::string whole = io::read_file(testing::golden("labels") / "praat_long.TextGrid");
  for (size_t cut = 0; cut + 30 < whole.size(); cut += 7)
    CHECK(has(refusal(whole.substr(0, cut)), "[x:"));
}
