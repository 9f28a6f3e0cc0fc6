/// whisper.transcribe on real speech: tokens and word times against openai-whisper's.

#include "model/real.h"
#include "otoscope/audio/recording.h"
#include "otoscope/model/transcribe.h"

using namespace otoscope;
using namespace otoscope::model;
using namespace otoscope::testing;

namespace {

std::vector<int16_t> joined_pcm(const io::Json& item) {
  std::vector<int16_t> pcm;
  for (const io::Json& id : item["ids"]) {
    if (!pcm.empty()) pcm.resize(pcm.size() + item["gap_samples"].get<size_t>());
    const auto part = prompt_pcm(id.get<std::string>());
    pcm.insert(pcm.end(), part.begin(), part.end());
  }
  require_hash(pcm, item);
  return pcm;
}

struct WordCount {
  int words = 0, near = 0;
};

void compare_words(const Segment& got, const io::Json& want, WordCount& count) {
  REQUIRE(got.words.size() == want["words"].size());
  for (size_t i = 0; i < got.words.size(); ++i) {
    const io::Json& word = want["words"][i];
    CHECK(got.words[i].text == word[0].get<std::string>());
    const double off = std::max(std::fabs(got.words[i].start - word[1].get<double>()),
                                std::fabs(got.words[i].end - word[2].get<double>()));
    ++count.words;
    count.near += off <= 0.0201;
  }
}

void compare(const Real& real, const io::Json& item, const char* key, bool words,
             const std::string& language, WordCount& count) {
  if (!item.contains(key)) return;
  const io::Json& want = item[key];
  CAPTURE(key);
  TranscribeOptions options;
  options.word_timestamps = words;
  options.language = language;
  std::vector<audio::Recording> one;
  one.push_back(audio::Recording::of_pcm(joined_pcm(item), real.model.dims().n_mels));
  const Transcript got = transcribe(real.model, real.tokenizer, std::move(one), options)[0];
  CHECK(got.language == want["language"].get<std::string>());
  CHECK(got.text == want["text"].get<std::string>());
  REQUIRE(got.segments.size() == want["segments"].size());
  for (size_t i = 0; i < got.segments.size(); ++i) {
    const io::Json& segment = want["segments"][i];
    CHECK(got.segments[i].tokens == segment["tokens"].get<std::vector<int64_t>>());
    CHECK(got.segments[i].seek == segment["seek"].get<int64_t>());
    if (!words) CHECK(std::fabs(got.segments[i].start - segment["start"].get<double>()) < 1e-6);
    if (words) compare_words(got.segments[i], segment, count);
  }
}

void run(const Real& real, const char* plain, const char* with_words, const std::string& language) {
  WordCount count;
  const io::Json items = io::read_json(golden("real/transcribe.json"))["items"];
  REQUIRE(items.size() >= 10);
  for (const io::Json& item : items) {
    const auto name = item["name"].get<std::string>();
    CAPTURE(name);
    compare(real, item, plain, false, language, count);
    compare(real, item, with_words, true, language, count);
  }
  MESSAGE(count.near, " of ", count.words, " words within 20 ms");
  CHECK(count.words > 100);
  CHECK(count.near >= 0.95 * count.words);
}

}  // namespace

TEST_CASE("tiny.en transcribes as openai-whisper, word times included") {
  if (!have_model("whisper-tiny.en") || !have_prompts()) return;
  run(real_tiny_en(), "tiny_en_plain", "tiny_en_words", "en");
}

TEST_CASE("whisper-base transcribes as openai-whisper, word times included") {
  if (!have_model("whisper-base") || !have_prompts()) return;
  run(real_base(), "plain", "words", "");
}
