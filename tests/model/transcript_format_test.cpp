#include "otoscope/model/transcript_format.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace otoscope::model;

namespace {

Transcript example() {
  Transcript t;
  t.path = "a.wav";
  t.language = "en";
  t.text = " One --> two. Three.";
  t.seconds = 3700.5;
  Segment first, empty, last;
  first.start = 0.5, first.end = 2.25, first.text = " One --> two.", first.tokens = {1, 2};
  first.words = {{" One", 0.75, 1.0, 0.5}, {" two.", 1.5, 2.0, 0.25}};
  empty.start = empty.end = 3;
  last.start = 3601.0004, last.end = 3602.9996, last.text = " Three.";
  t.segments = {first, empty, last};
  return t;
}

}  // namespace

TEST_CASE("a transcript becomes lines") { CHECK(as_text(example()) == "One --> two.\nThree.\n"); }

TEST_CASE("SubRip numbers its subtitles, counts hours and takes times from words") {
  CHECK(as_srt(example()) ==
        "1\n00:00:00,750 --> 00:00:02,000\nOne -> two.\n\n"
        "2\n01:00:01,000 --> 01:00:03,000\nThree.\n\n");
}

TEST_CASE("WebVTT has hours only where they are needed") {
  CHECK(as_vtt(example()) ==
        "WEBVTT\n\n00:00.750 --> 00:02.000\nOne -> two.\n\n"
        "01:00:01.000 --> 01:00:03.000\nThree.\n\n");
}

TEST_CASE("JSON has the segments, and the words where they were asked for") {
  const auto json = as_json(example(), true);
  CHECK(json["path"] == "a.wav");
  CHECK(json["segments"].size() == 3);
  CHECK(json["segments"][0]["tokens"] == std::vector<int64_t>{1, 2});
  CHECK(json["segments"][2]["start"] == 3601.0);
  CHECK(json["words"].size() == 2);
  CHECK(json["words"][1]["word"] == " two.");
  CHECK(json["words"][1]["segment"] == 0);
  CHECK_FALSE(as_json(example(), false).contains("words"));
}
