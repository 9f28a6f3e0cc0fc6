#include "otoscope/labels/measured.h"

#include <doctest/doctest.h>

#include "labels/known.h"
#include "otoscope/audio/level.h"
#include "otoscope/labels/derive.h"

using namespace otoscope;
using audio::Label;
using audio::LabelKind;

namespace {

std::string shown(const audio::Track& track) {
  std::string text;
  for (const Label& label : track.labels) {
    char line[96];
    std::snprintf(line, sizeof line, "%.2f-%.2f %s; ", label.start, label.end, label.value.c_str());
    text += line;
  }
  return text;
}
audio::Track track_of(LabelKind kind, std::vector<Label> labels, double duration) {
  return {kind, "hand", 0.75, 0, duration, std::move(labels)};
}

}  // namespace

TEST_CASE("frames far under the loudest are silence, and the last reaches to the end") {
  const std::vector<float> levels = {-80, -80, -20, -54, -56, -80};
  CHECK(shown(labels::silence_track(levels, 0.115)) ==
        "0.00-0.03 silence; 0.07-0.12 silence; ");  // 0.115 is printed as 0.12
  CHECK(labels::silence_track(levels, 0.115).known_to == 0.115);
  CHECK(labels::silence_track({}, 0).labels.empty());
}

TEST_CASE("loudness is in thirds of what is not silence") {
  const std::vector<float> levels = {-90, -30, -29, -20, -19, -10, -9};
  const auto track = labels::loudness_track(levels, 0.14);
  CHECK(shown(track) == "0.01-0.05 quiet; 0.05-0.09 middle; 0.09-0.14 loud; ");
}

TEST_CASE("pitch is in thirds of a speaker's voiced frames, and unknown elsewhere") {
  const auto thirds = labels::pitch_thirds({100, 110, 120, 130, 140, 150});
  CHECK(thirds[0] == 120);
  CHECK(thirds[1] == 140);
  const std::vector<float> hz = {0, 100, 125, 0, 0, 150, 155};
  const auto track = labels::pitch_track(hz, thirds, 0.14);
  CHECK(shown(track) == "0.01-0.03 low; 0.03-0.05 middle; 0.09-0.14 high; ");
  const auto parts = labels::known_where_labelled(track);
  REQUIRE(parts.size() == 2);
  CHECK(parts[0].known_from == doctest::Approx(0.01));
  CHECK(parts[0].known_to == doctest::Approx(0.05));
  CHECK(parts[0].labels.size() == 2);
  CHECK(parts[1].known_from == doctest::Approx(0.09));
  CHECK(parts[1].known_to == doctest::Approx(0.14));
}

TEST_CASE("a track is cut where it is not known") {
  const auto track = track_of(LabelKind::word, {{0, 1, "a"}, {1, 2, "b"}, {2, 3, "c"}}, 4);
  const auto parts = labels::known_outside(track, {{0.5, 1}, {1, 2}, {3.5, 9}});
  REQUIRE(parts.size() == 2);
  CHECK(shown(parts[0]) == "0.00-0.50 a; ");
  CHECK(shown(parts[1]) == "2.00-3.00 c; ");
  CHECK(parts[1].known_from == 2);
  CHECK(parts[1].known_to == 3.5);
  CHECK(labels::known_outside(track, {}).size() == 1);
  CHECK(labels::known_where_labelled(track_of(LabelKind::pitch, {}, 1)).empty());
}

TEST_CASE("edges of clips and words are at most half of them") {
  CHECK(shown(labels::clip_position_track(1)) == "0.00-0.20 clip start; 0.80-1.00 clip end; ");
  CHECK(shown(labels::clip_position_track(0.2)) == "0.00-0.10 clip start; 0.10-0.20 clip end; ");
  const auto words = track_of(LabelKind::word, {{0.1, 0.5, "a"}, {0.5, 0.58, "b"}}, 1);
  const auto track = labels::word_position_track(words);
  CHECK(track.kind == LabelKind::position);
  CHECK(track.quality == 0.75);
  CHECK(shown(track) ==
        "0.10-0.16 word start; 0.44-0.50 word end; 0.50-0.54 word start; 0.54-0.58 word end; ");
}

TEST_CASE("phones give their classes, and unknown ones are counted") {
  int64_t unknown = 0;
  const auto phones = track_of(LabelKind::phone, {{0, 1, "m"}, {1, 2, "€"}}, 2);
  const auto track = labels::phone_class_track(phones, &unknown);
  CHECK(shown(track) ==
        "0.00-1.00 bilabial; 0.00-1.00 consonant; 0.00-1.00 nasal; 0.00-1.00 voiced; ");
  CHECK(unknown == 1);
}

TEST_CASE("syllables part where sonority rises, at gaps and at words") {
  const auto places = [](std::vector<const char*> phones, const audio::Track* words = nullptr) {
    std::vector<Label> list;
    for (size_t i = 0; i < phones.size(); ++i)
      if (*phones[i] != '\0')
        list.push_back({static_cast<double>(i), static_cast<double>(i + 1), phones[i]});
    std::string text;
    for (const Label& label :
         labels::syllable_track(track_of(LabelKind::phone, list, 99), words).labels)
      text += label.value[0];
    return text;
  };
  CHECK(places({"k", "a", "t"}) == "onc");
  CHECK(places({"a", "p", "l", "a"}) == "noon");        // a.pla
  CHECK(places({"a", "l", "p", "a"}) == "ncon");        // al.pa
  CHECK(places({"a", "s", "t", "ɹ", "a"}) == "nooon");  // a.stra
  CHECK(places({"b", "ʌ", "t", "n̩"}) == "onon");
  CHECK(places({"a", "", "p", "l", "a"}) == "noon");
  CHECK(places({"a", "l", "", "p", "a"}) == "ncon");
  CHECK(places({"a", "t", "a"}) == "non");
  const auto words = track_of(LabelKind::word, {{0, 2, "at"}, {2, 3, "a"}}, 99);
  CHECK(places({"a", "t", "a"}, &words) == "ncn");
  CHECK(places({"s", "t"}).empty());  // no nucleus, no syllable
}
