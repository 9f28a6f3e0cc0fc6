#include "serve/word_marks.h"

#include <doctest/doctest.h>

namespace otoscope::serve {
namespace {

using Words = std::vector<std::pair<double, std::string>>;

audio::ClipLabels clip_with(const Words& words) {
  audio::Track track;
  track.kind = audio::LabelKind::word;
  for (const auto& [start, word] : words) track.labels.push_back({start, start + 0.25, word});
  audio::ClipLabels clip;
  clip.id = "clip";
  clip.duration_s = track.known_to = 8;
  clip.tracks.push_back(track);
  return clip;
}

/// Words with tenths of a second: "I'll@5|wait@10".
std::string shown(const std::optional<std::vector<TimedWord>>& words) {
  if (!words) return "none";
  std::string out;
  for (const TimedWord& word : *words)
    out += (out.empty() ? "" : "|") + word.word + "@" +
           std::to_string(static_cast<int>(word.start_s * 10));
  return out;
}

}  // namespace

TEST_CASE("labelled words are spelled as in the text, at their own times") {
  const auto clip = clip_with({{0.5, "i'll"}, {1, "wait"}, {2, "john"}});
  CHECK(shown(labelled_words(clip, "I'll wait, John.")) == "I'll@5|wait,@10|John.@20");
  CHECK(shown(labelled_words(clip, " I'll  wait, -- John. ")) == "I'll@5|wait, --@10|John.@20");
}

TEST_CASE("labels that are not the words of the text are not taken for them") {
  const auto clip = clip_with({{0.5, "one"}, {1, "two"}});
  CHECK(shown(labelled_words(clip, "One two three")) == "none");
  CHECK(shown(labelled_words(clip, "One")) == "none");
  CHECK(shown(labelled_words(clip, "two one")) == "none");
  CHECK(shown(labelled_words(clip, "...")) == "none");
  CHECK(shown(labelled_words({}, "One two")) == "none");
}

TEST_CASE("no model is loaded for clips whose words are labelled") {
  ChosenFeature feature;
  Example example;
  example.item = 7, example.name = "clip", example.text = "One two";
  feature.examples = {example};
  example.item = 8, example.text = "Another text";  // of no label: left out without a model
  feature.examples.push_back(example);
  const std::vector<const ChosenFeature*> features = {&feature};
  const std::vector<audio::ClipLabels> labels = {clip_with({{0.5, "one"}, {1, "two"}})};
  const auto words = time_words(features, labels, "", silent_progress());
  REQUIRE(words.size() == 1);
  CHECK(shown(words.at(7)) == "One@5|two@10");
}

}  // namespace otoscope::serve
