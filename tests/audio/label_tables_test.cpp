#include "otoscope/audio/label_tables.h"

#include <doctest/doctest.h>

#include "otoscope/io/file.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using audio::LabelKind;
using testing::error_of;

namespace {

std::string ctm_refusal(const std::string& text) {
  return error_of([&] { audio::parse_ctm(text, "x.ctm"); });
}
std::string rttm_refusal(const std::string& text) {
  return error_of([&] { audio::parse_rttm(text, "x.rttm"); });
}

}  // namespace

TEST_CASE("a CTM gives words from starts and durations, one clip a file") {
  const auto clips = audio::parse_ctm(
      ";; a comment\n  ;; another\n84-1 1 0.420 0.180 do 0.9\r\n84-1 1 0.6 0.2 you 0.7\n\n84-2 A 1 "
      ".5 hear\n"
      "84-1 1 0.1 0.2 GO NA\n",
      "x.ctm");
  REQUIRE(clips.size() == 2);
  CHECK(clips[0].id == "84-1");
  REQUIRE(clips[0].tracks.size() == 1);
  const audio::Track& words = clips[0].tracks[0];
  CHECK(words.kind == LabelKind::word);
  CHECK(words.quality == doctest::Approx(0.8));
  REQUIRE(words.labels.size() == 3);
  CHECK(words.labels[0].value == "GO");  // ordered by start
  CHECK(words.labels[1].start == 0.42);
  CHECK(words.labels[1].end == doctest::Approx(0.6));
  CHECK(clips[0].duration_s == doctest::Approx(0.8));
  CHECK(words.known_to == clips[0].duration_s);
  CHECK(clips[1].tracks[0].quality == 1.0);
  CHECK(clips[1].duration_s == 1.5);
}

TEST_CASE("speakers of an RTTM who talk at once are on tracks of their own") {
  auto clips =
      audio::parse_rttm(io::read_file(testing::golden("labels") / "pyannote.rttm"), "x.rttm");
  REQUIRE(clips.size() == 1);
  CHECK(clips[0].id == "meeting");
  CHECK(clips[0].duration_s == 9.125);
  REQUIRE(clips[0].tracks.size() == 2);
  CHECK(clips[0].tracks[0].labels.size() == 2);
  CHECK(clips[0].tracks[1].labels.at(0).value == "spk01");
  CHECK(clips[0].tracks[0].labels[0].end == doctest::Approx(4.958));
  audio::check_labels("x", clips[0]);
  CHECK(audio::parse_rttm("SPKR-INFO m 1 <NA> <NA> <NA> unknown s <NA>\n"
                          "SPEAKER m 1 0 1 <NA> <NA> s <NA>\n",
                          "x")
            .size() == 1);
}

TEST_CASE("tables are written as they are read") {
  const auto clips =
      audio::parse_ctm("a 1 0.5 0.25 x 0.5\na 1 0.75 0.25 y 0.5\nb 1 0 1 z 1\n", "x");
  CHECK(audio::ctm_text(clips) ==
        "a 1 0.500000 0.250000 x 0.500\na 1 0.750000 0.250000 y 0.500\n"
        "b 1 0.000000 1.000000 z 1.000\n");
  CHECK(audio::ctm_text(audio::parse_ctm(audio::ctm_text(clips), "x")) == audio::ctm_text(clips));
  const auto turns =
      audio::parse_rttm(io::read_file(testing::golden("labels") / "pyannote.rttm"), "x");
  const auto again = audio::parse_rttm(audio::rttm_text(turns), "x");
  REQUIRE(again.size() == 1);
  CHECK(audio::rttm_text(again) == audio::rttm_text(turns));
  auto spaced = clips;
  spaced[0].tracks[0].labels[0].value = "close vowel";
  CHECK(audio::ctm_text(spaced).starts_with("a 1 0.500000 0.250000 close_vowel"));
  spaced[0].id = "a b";
  CHECK(error_of([&] { audio::ctm_text(spaced); }) ==
        "[id] expected no white space, got \"a b\". Hint: a table's fields are separated by it; "
        "rename the clip.");
  spaced[0].id = ";;a";
  CHECK(error_of([&] { audio::ctm_text(spaced); }) ==
        "[id] expected no id that begins with ;;, got \";;a\". Hint: that is a comment in a CTM; "
        "rename the clip.");
}

TEST_CASE("broken lines of tables are refused with their number") {
  CHECK(ctm_refusal("\na 1 0 1\n") ==
        "[x.ctm:2] expected file, channel, start, duration, word and perhaps a confidence, got 4 "
        "fields.");
  CHECK(ctm_refusal("a 1 zero 1 x") ==
        "[x.ctm:1] expected seconds of at least 0 in field 3, got \"zero\".");
  CHECK(ctm_refusal("a 1 0 -1 x").find("in field 4, got \"-1\"") != std::string::npos);
  CHECK(ctm_refusal("a 1 nan 1 x").find("in field 3") != std::string::npos);
  CHECK(ctm_refusal("a 1 0 1e400 x").find("in field 4") != std::string::npos);
  CHECK(ctm_refusal("a 1 0 1 x high").find("a confidence of at least 0 in field 6") !=
        std::string::npos);
  CHECK(ctm_refusal("a 1 * * <ALT_BEGIN>").find("alternatives") != std::string::npos);
  CHECK(rttm_refusal("SPEAKER a 1 0 1 <NA> <NA> s") ==
        "[x.rttm:1] expected 10 fields (or 9), got 8.");
  CHECK(rttm_refusal("a 1 0 1 x") == "[x.rttm:1] expected SPEAKER, got \"a\".");
  CHECK(rttm_refusal("SPEAKER a 1 0 x <NA> <NA> s <NA>").find("field 5") != std::string::npos);
  CHECK(ctm_refusal("a 1 0 1 \xC3\x28").find("expected UTF-8") != std::string::npos);
}
