#include "otoscope/audio/label_lines.h"

#include <doctest/doctest.h>

#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using audio::LabelKind;
using testing::error_of;

namespace {

std::string refusal(const std::string& text) {
  return error_of([&] { audio::parse_label_lines(text, "x.jsonl"); });
}
bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a clip with its tracks comes back from its line") {
  audio::ClipLabels clip;
  clip.id = "en/\"a\"";
  clip.duration_s = 2.5;
  clip.tracks.push_back({LabelKind::phone, "espeak-ng", 0.75, 0.25, 2.25, {{0.25, 1.0 / 3, "ə"}}});
  clip.tracks.push_back({LabelKind::phone_class,
                         "table",
                         1,
                         0,
                         2.5,
                         {{0, 1, "voiced"}, {0, 1, "vowel"}, {1.5, 2.5, "a\nb"}}});
  clip.tracks.push_back({LabelKind::silence, "", 1, 0, 2.5, {}});
  const std::string line = audio::label_line(clip);
  CHECK(line.find('\n') == line.npos);
  const auto again = audio::parse_label_lines(line + "\n\n", "x");
  REQUIRE(again.size() == 1);
  CHECK(again[0].id == clip.id);
  REQUIRE(again[0].tracks.size() == 3);
  const auto& phones = again[0].tracks[0];
  CHECK(phones.source == "espeak-ng");
  CHECK(phones.quality == 0.75);
  CHECK(phones.known_from == 0.25);
  CHECK(phones.known_to == 2.25);
  CHECK(phones.labels.at(0).end == 0.333333);
  CHECK(again[0].tracks[1].labels.at(2).value == "a\nb");
  CHECK(audio::label_line(again[0]) == line);  // and is written in the same bytes

  const testing::TemporaryFolder folder;
  audio::write_label_lines(folder.path() / "labels.jsonl", {clip});
  CHECK(audio::read_label_lines(folder.path() / "labels.jsonl").size() == 1);
}

TEST_CASE("the keys of a NeMo manifest become tracks") {
  const auto clips = audio::parse_label_lines(
      R"({"audio_filepath":"audio/a.flac","duration":3,"offset":1.5,"language":"en","speaker":84,)"
      R"("gender":"f","sound":null,"text":"he","words_timed":[[0.13,0.27,"he"]],)"
      R"("phones_timed":[[0.0,0.13,"sil"],[0.13,0.205,"hh"]]})",
      "m.jsonl");
  REQUIRE(clips.size() == 1);
  CHECK(clips[0].id == "audio/a@1.500");
  CHECK(clips[0].tracks.size() == 5);
  CHECK(clips[0].find(LabelKind::phone)->labels.at(1).value == "hh");
  CHECK(clips[0].find(LabelKind::phone)->source == "manifest");
  CHECK(clips[0].find(LabelKind::word)->labels.size() == 1);
  const auto& speaker = clips[0].find(LabelKind::speaker)->labels.at(0);
  CHECK(speaker.value == "84");
  CHECK(speaker.start == 0);
  CHECK(speaker.end == 3);
  CHECK(clips[0].find(LabelKind::sound) == nullptr);
}

TEST_CASE("broken lines of labels are refused with their number") {
  const std::string head = R"({"id":"a","duration":1,"tracks":[{"kind":"word","labels":)";
  CHECK(refusal(head + R"([[0,1,"x"]]}]})") == "nothing was thrown");
  CHECK(has(refusal("\n[1]"), "[x.jsonl:2] expected an object, got array"));
  CHECK(has(refusal("{"), "[x.jsonl:1] expected JSON"));
  CHECK(has(refusal(R"({"id":"a"})"), "duration"));
  CHECK(has(refusal(R"({"duration":1})"), "audio_filepath"));
  CHECK(has(refusal(R"({"id":"a","duration":-1})"), "expected a duration in seconds"));
  CHECK(has(refusal(R"({"id":"a","duration":1,"tracks":{}})"), "expected a list at tracks"));
  CHECK(has(refusal(R"({"id":"a","duration":1,"tracks":[{"kind":"wrd","labels":[]}]})"),
            "nearest: word"));
  CHECK(has(refusal(head + R"([[0,1]]}]})"), "expected [start, end, value] in labels, got [0,1]"));
  CHECK(has(refusal(head + R"([[0,1,2]]}]})"), "expected [start, end, value]"));
  CHECK(has(refusal(head + R"(7}]})"), "expected [start, end, value]"));
  CHECK(has(refusal(head + R"([[0.5,0.25,"x"]]}]})"), "ends before it starts"));
  CHECK(has(refusal(head + R"([[0,9,"x"]]}]})"), "ends past the clip"));
  CHECK(has(refusal(head + R"([],"known":[0]}]})"), "expected [from, to] at known"));
  CHECK(has(refusal(head + R"([],"known":[0.5,0.25]}]})"), "to be known from"));
  CHECK(has(refusal(head + R"([],"quality":2}]})"), "expected a quality"));
  CHECK(has(refusal(R"({"id":"a","duration":1,"speaker":[]})"), "expected a text at speaker"));
  CHECK(has(refusal("{\"id\":\"a\",\"duration\":1}\n{\"id\":\"a\",\"duration\":1}"),
            "[x.jsonl:2] expected a new id, got a as in line 1"));
}
