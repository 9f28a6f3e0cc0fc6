#include "otoscope/labels/spoken.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/label_lines.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/labels/espeak.h"
#include "otoscope/labels/row_labels.h"
#include "support/close.h"

using namespace otoscope;
using namespace otoscope::labels;

TEST_CASE("made sentences say the same in five languages, each once, by seed") {
  const auto sentences = made_sentences(50, 3);
  REQUIRE(sentences.size() == 250);
  std::map<std::string, std::set<std::string>> languages;
  std::set<std::string> texts;
  for (const Sentence& sentence : sentences) {
    languages[sentence.id].insert(sentence.language);
    CHECK(texts.insert(sentence.language + sentence.text).second);
    CHECK(sentence.text.ends_with("."));
  }
  CHECK(languages.size() == 50);
  for (const auto& [id, spoken] : languages) CHECK(spoken.size() == 5);
  CHECK(made_sentences(50, 3)[7].text == sentences[7].text);
  CHECK(made_sentences(50, 4)[7].text != sentences[7].text);
  CHECK(made_sentences(0, 0).empty());
  CHECK_THROWS_AS(made_sentences(100'000, 0), UserError);
}

TEST_CASE("texts worth speaking are sentences, each once") {
  std::vector<store::Clip> clips(6);
  for (store::Clip& clip : clips) {
    clip.language = "en";
    clip.prompt_id = "p";
    clip.text = "one two three";
  }
  clips[1].text = "two words";
  clips[2].text = std::string(120, 'a') + " b " + std::string(120, 'c');
  clips[3].speech = false;
  clips[4].text.reset();
  CHECK(sentences_of(clips).size() == 1);
}

TEST_CASE("a spoken corpus: exact labels, voices and sentences in one split each" *
          doctest::skip(!espeak_available())) {
  const testing::TemporaryFolder folder;
  const std::vector<Sentence> texts = {{"greeting", "en", "Good morning to you all"},
                                       {"dots", "en", "..."}};
  SpokenOptions options;
  options.made = 12;
  make_spoken(texts, folder.path(), options);
  const auto path = folder.path() / "manifest.jsonl";
  const store::Manifest manifest = store::read_manifest(path);
  CHECK(manifest.clips.size() == 1 + 12 * 5 * 2);  // a text without words is no clip
  std::map<std::string, std::set<std::string>> of_speaker, of_sentence;
  for (const store::Clip& clip : manifest.clips) {
    of_speaker[clip.speaker].insert(clip.split);
    of_sentence[clip.prompt_id].insert(clip.split);
  }
  for (const auto& [speaker, splits] : of_speaker) CHECK(splits.size() == 1);
  for (const auto& [sentence, splits] : of_sentence) CHECK(splits.size() == 1);

  std::vector<audio::ClipLabels> labels =
      audio::parse_label_lines(io::read_file(path), path.string());
  REQUIRE(labels.size() == manifest.clips.size());
  for (audio::ClipLabels& clip : labels) {
    audio::check_labels(clip.id, clip);
    const audio::Track* phones = clip.find(audio::LabelKind::phone);
    const audio::Track* words = clip.find(audio::LabelKind::word);
    REQUIRE(phones != nullptr);
    REQUIRE(words != nullptr);
    CHECK(phones->labels.size() > words->labels.size());
  }
  // The labels are where the sound is: outside of all phones there is none.
  const audio::ClipLabels& first = labels.front();
  std::vector<float> pcm = audio::decode_file(manifest.clips.front().path);
  CHECK(static_cast<double>(pcm.size()) / 16000 == doctest::Approx(first.duration_s));
  double total = 0, outside = 0;
  for (const float sample : pcm) total += double{sample} * sample;
  for (const audio::Label& phone : first.find(audio::LabelKind::phone)->labels)
    for (auto i = static_cast<size_t>(phone.start * 16000);
         i < std::min(pcm.size(), static_cast<size_t>(phone.end * 16000 + 1)); ++i)
      pcm[i] = 0;
  for (const float sample : pcm) outside += double{sample} * sample;
  CHECK(outside < 0.001 * total);

  // The same bytes again.
  const testing::TemporaryFolder again;
  make_spoken(texts, again.path(), options);
  CHECK(io::read_file(again.path() / "manifest.jsonl") == io::read_file(path));
}
