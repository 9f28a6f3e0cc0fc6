#include "otoscope/labels/analysers.h"

#include <doctest/doctest.h>

#include "otoscope/core/text.h"
#include "support/errors.h"

using namespace otoscope;
using audio::Label;
using audio::LabelKind;
using labels::parse_stream_line;
using testing::error_of;

TEST_CASE("Apertium's stream gives tokens with their readings") {
  // As lt-proc, cg-proc and apertium-tagger 3.8 write it.
  const auto tokens = parse_stream_line(
      R"(^Del/de<pr>+el<det><def><m><sg>$ ^take out/take<vblex><inf># out$^,/,<cm>$ ^Xyz/*Xyz$ )"
      R"(^и/и<cnjcoo><@CNP>$ ^a\/b/a\/b<n><sg>/ab<adj>$^./.<sent>$[<i>])",
      "x");
  REQUIRE(tokens.size() == 7);
  REQUIRE(tokens[0].readings.size() == 1);
  REQUIRE(tokens[0].readings[0].parts.size() == 2);
  CHECK(tokens[0].readings[0].parts[1].lemma == "el");
  CHECK(join(tokens[0].readings[0].parts[1].tags) == "det, def, m, sg");
  CHECK(tokens[1].surface == "take out");
  CHECK(tokens[1].readings[0].parts[0].lemma == "take# out");
  CHECK(tokens[3].surface == "Xyz");
  CHECK(tokens[3].readings.empty());
  CHECK(join(tokens[4].readings[0].parts[0].tags) == "cnjcoo");
  CHECK(tokens[5].surface == "a/b");
  CHECK(tokens[5].readings.size() == 2);
  CHECK(parse_stream_line("", "x").empty());
}

TEST_CASE("a broken stream is refused with its byte") {
  for (const char* line :
       {"^", "^a", "^a/", "^a/b<", "^a/b<n", "^a/b<n>", "^a/b<n>x$", "^a/*b", "^a\\"}) {
    CAPTURE(line);
    CHECK(error_of([&] { parse_stream_line(line, "apertium"); }).find("[apertium] expected") == 0);
  }
}

TEST_CASE("tags say parts of speech and morphemes") {
  using Part = labels::Reading::Part;
  CHECK(labels::part_of_speech(Part{"key", {"n", "pl"}}) == "noun");
  CHECK(labels::part_of_speech(Part{".", {"sent"}}).empty());
  CHECK(labels::part_of_speech(Part{"x", {}}).empty());
  CHECK(labels::part_of_speech(Part{"x", {"sg"}}).empty());
  CHECK(join(labels::morphemes(Part{"have", {"vbhaver", "pri", "p3", "sg"}})) ==
        "number=singular, person=3, tense=present");
  // The same letters mean a class in front and a case behind.
  CHECK(labels::part_of_speech(Part{"о", {"pr"}}) == "preposition");
  CHECK(join(labels::morphemes(Part{"номер", {"n", "m", "nn", "sg", "prp"}})) ==
        "case=prepositional, gender=masculine, number=singular");
}

TEST_CASE("words find the tokens that spell them") {
  const auto tokens = parse_stream_line(
      "^Has/have<vbhaver>$^-/-<guio>$^been/be<vbser>$ ^por favor/por favor<adv>$^!/!<sent>$ "
      "^ok/ok<ij>$",
      "x");
  const std::vector<Label> words = {
      {0, 1, "has-been"}, {1, 2, "por"}, {2, 3, "favor"}, {3, 4, "OK"}};
  const auto found = labels::tokens_of_words(words, tokens);
  CHECK(found == std::vector<std::vector<int32_t>>{{0, 2}, {3}, {3}, {5}});
  // A word that the text lacks is passed over; the others are found.
  const std::vector<Label> other = {{0, 1, "has"}, {1, 2, "zzz"}, {2, 3, "favor"}};
  const auto partly = labels::tokens_of_words(other, tokens);
  CHECK(partly == std::vector<std::vector<int32_t>>{{0}, {}, {3}});
}

TEST_CASE("words carry their readings' values, and unknown ones are unknown") {
  const auto tokens = parse_stream_line(
      "^the/the<det><def><sp>$ ^xyz/*xyz$ ^key/key<adj>/key<n><sg>$ ^del/de<pr>+el<det><m><sg>$",
      "x");
  audio::Track words{LabelKind::word,
                     "a",
                     0.5,
                     0,
                     5,
                     {{0, 1, "the"}, {1, 2, "xyz"}, {2, 3, "key"}, {3, 4, "del"}, {4, 5, "more"}}};
  labels::WordCounts counts;
  const auto tracks =
      labels::analysed_tracks(LabelKind::part_of_speech, words, tokens, "apertium", &counts);
  REQUIRE(tracks.size() == 2);
  CHECK(tracks[0].known_to == 1);
  CHECK(tracks[0].labels.at(0).value == "determiner");
  CHECK(tracks[1].known_from == 2);
  CHECK(tracks[1].known_to == 4);
  REQUIRE(tracks[1].labels.size() == 4);  // key is both; del is a preposition and a determiner
  CHECK(tracks[1].labels[0].value == "adjective");
  CHECK(tracks[1].labels[1].value == "noun");
  CHECK(tracks[1].labels[2].value == "determiner");
  CHECK(tracks[1].labels[3].value == "preposition");
  CHECK(counts.words == 5);
  CHECK(counts.unknown == 1);
  CHECK(counts.ambiguous == 1);
  CHECK(counts.spelled_otherwise == 1);
  CHECK(tracks[0].quality == doctest::Approx(0.4));
}

TEST_CASE("a language without an analyser is said to have none") {
  CHECK(labels::analyser_package("ja").empty());
  CHECK(labels::analyser_missing("ja").find("no analyser of \"ja\" is known") == 0);
  const std::vector<std::string> texts = {"x"};
  CHECK(error_of([&] { labels::analyse("ja", texts); }).find("[apertium] no analyser") == 0);
}
