#include "otoscope/model/transcribe.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "model/nano.h"
#include "otoscope/audio/mel.h"
#include "otoscope/io/json.h"
#include "otoscope/io/safetensors.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::model;
using testing::golden;
using testing::nano;

namespace {

const Tokenizer& tokenizer() {
  static const Tokenizer one = load_tokenizer(nano());
  return one;
}

audio::Recording clip(const std::string& name) {
  static const auto file = io::Safetensors::open(golden("whisper_nano_long.safetensors"));
  const Tensor<int64_t> wide = file.integers(name);
  std::vector<int16_t> pcm;
  for (int64_t i = 0; i < wide.size(); ++i) pcm.push_back(static_cast<int16_t>(wide[i]));
  return audio::Recording::of_pcm(pcm, 80);
}

std::vector<Transcript> run(std::initializer_list<const char*> names,
                            const TranscribeOptions& options) {
  std::vector<audio::Recording> recordings;
  for (const char* name : names) recordings.push_back(clip(name));
  return transcribe(nano(), tokenizer(), std::move(recordings), options);
}

/// The golden's tokens to suppress: symbols, times beyond nano's two seconds, and the first `text`
/// text tokens.
std::string suppressed(int text) {
  const io::Json config = io::read_json(golden("whisper_nano") / "generation_config.json");
  std::string ids;
  for (size_t i = 0; i < 23; ++i) ids += config["suppress_tokens"][i].dump() + ",";
  for (int id = 524; id < 1924; ++id) ids += std::to_string(id) + ",";
  for (int id = 0; id < text; ++id) ids += std::to_string(id) + ",";
  ids.pop_back();
  return ids;
}

TranscribeOptions options_of(const io::Json& json) {
  TranscribeOptions o;
  o.suppress_tokens = suppressed(json.value("suppress_text", 0));
  for (const auto& item : json.items()) {
    const std::string& key = item.key();
    const io::Json& value = item.value();
    if (key == "language")
      o.language = value.get<std::string>();
    else if (key == "task")
      o.task = value.get<std::string>();
    else if (key == "word_timestamps")
      o.word_timestamps = value.get<bool>();
    else if (key == "condition_on_previous_text")
      o.condition_on_previous_text = value.get<bool>();
    else if (key == "initial_prompt")
      o.initial_prompt = value.get<std::string>();
    else if (key == "without_timestamps")
      o.without_timestamps = value.get<bool>();
    else if (key == "logprob_threshold")
      o.logprob_threshold = value.get<double>();
    else if (key == "no_speech_threshold")
      o.no_speech_threshold = value.get<double>();
    else if (key == "beam_size")
      o.beam = value.get<int>();
    else
      REQUIRE_MESSAGE(key == "suppress_text", "unknown option ", key);
  }
  return o;
}

void check_segment(const Segment& got, const io::Json& want) {
  CHECK(got.seek == want["seek"].get<int64_t>());
  // In a window of one frame openai-whisper divides 0 by 0 and lands one frame early; what it finds
  // there is empty and dropped.
  const bool empty = want["tokens"].empty();
  CHECK(std::fabs(got.start - want["start"].get<double>()) < (empty ? 0.0201 : 1e-6));
  CHECK(std::fabs(got.end - want["end"].get<double>()) < (empty ? 0.0201 : 1e-6));
  CHECK(got.tokens == want["tokens"].get<std::vector<int64_t>>());
  CHECK(got.avg_logprob == doctest::Approx(want["avg_logprob"].get<double>()).epsilon(1e-3));
  CHECK(got.no_speech_prob == doctest::Approx(want["no_speech_prob"].get<double>()).epsilon(1e-2));
  CHECK(got.compression_ratio ==
        doctest::Approx(want["compression_ratio"].get<double>()).epsilon(1e-4));
  const io::Json words = want.value("words", io::Json::array());
  REQUIRE(got.words.size() == words.size());
  for (size_t i = 0; i < words.size(); ++i) {
    CHECK(got.words[i].text == words[i][0].get<std::string>());
    CHECK(got.words[i].start == doctest::Approx(words[i][1].get<double>()).epsilon(1e-6));
    CHECK(got.words[i].end == doctest::Approx(words[i][2].get<double>()).epsilon(1e-6));
    CHECK(got.words[i].probability == doctest::Approx(words[i][3].get<double>()).epsilon(1e-2));
  }
}

}  // namespace

TEST_CASE("recordings of several windows are transcribed as openai-whisper does it") {
  const io::Json items = io::read_json(golden("whisper_nano_transcribe.json"))["items"];
  REQUIRE(items.size() >= 15);
  for (const io::Json& one : items) {
    const auto name = one["clip"].get<std::string>(), variant = one["variant"].get<std::string>();
    CAPTURE(name);
    CAPTURE(variant);
    const Transcript t = run({name.c_str()}, options_of(one["options"]))[0];
    CHECK(t.language == one["language"].get<std::string>());
    CHECK(t.text == one["text"].get<std::string>());
    REQUIRE(t.segments.size() == one["segments"].size());
    for (size_t i = 0; i < t.segments.size(); ++i) {
      CAPTURE(i);
      check_segment(t.segments[i], one["segments"][i]);
    }
  }
}

TEST_CASE("files that advance side by side give what each gives alone") {
  TranscribeOptions options;
  options.language = "en";
  options.suppress_tokens = suppressed(0);
  const auto together = run({"long", "short", "exact"}, options);
  options.batch = 1;
  const auto in_turn = run({"long", "short", "exact"}, options);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(together[i].text == in_turn[i].text);
    CHECK(together[i].segments.size() == in_turn[i].segments.size());
  }
  CHECK(run({"short"}, options)[0].text == together[1].text);
}

TEST_CASE("--window decodes the first window alone, and --pad changes it") {
  TranscribeOptions options;
  options.language = "en";
  options.window = true;
  options.suppress_tokens = suppressed(0);
  const auto waveform = run({"short", "long"}, options);
  REQUIRE(waveform[0].segments.size() == 1);
  DecodeOptions plain;
  plain.languages = {"en"};
  for (int id = 524; id < 1924; ++id) plain.suppress_tokens.push_back(id);
  plain.suppress_tokens[0] = 158;
  for (const int64_t id : tokenizer().non_speech_tokens())
    if (id < 100) plain.suppress_tokens.push_back(id);
  plain.suppress_tokens.erase(plain.suppress_tokens.begin());
  auto recording = clip("short");
  const auto pcm = recording.pcm(0, recording.samples());
  const Tensor<float> mel = audio::log_mel_window(pcm, 80, audio::Padding::waveform_zero, 200);
  const auto direct =
      decode(nano(), tokenizer(), nano().encode(mel.view().reshaped({1, 200, 80})), plain);
  CHECK(waveform[0].segments[0].tokens == direct[0].tokens);
  CHECK(waveform[0].text == direct[0].text);
  options.pad = "mel_zero";
  CHECK(run({"short"}, options)[0].text != waveform[0].text);
}

TEST_CASE("a failed answer is tried again at the next temperature") {
  TranscribeOptions options;
  options.language = "en";
  options.suppress_tokens = suppressed(0);
  options.temperature = {0.0f, 0.2f, 0.4f};
  options.no_speech_threshold = 1;
  options.logprob_threshold = 0;  // nothing can pass
  const auto warmest = run({"long"}, options);
  for (const Segment& segment : warmest[0].segments) CHECK(segment.temperature == 0.4);
  options.logprob_threshold = -100;
  const auto first = run({"long"}, options);
  for (const Segment& segment : first[0].segments) CHECK(segment.temperature == 0);
  options.compression_ratio_threshold = 0.0;
  CHECK(run({"short"}, options)[0].segments[0].temperature == 0.4);
  // Silence is no failure.
  options.no_speech_threshold = -1;
  options.logprob_threshold = 0;
  CHECK(run({"long"}, options)[0].segments.empty());
}

TEST_CASE("only the clips that are named are transcribed") {
  TranscribeOptions options;
  options.language = "en";
  options.suppress_tokens = suppressed(0);
  options.clip_timestamps = {2.0f, 4.0f};
  const Transcript t = run({"long"}, options)[0];
  REQUIRE(t.segments.size() == 1);
  CHECK(t.segments[0].seek == 200);
}

TEST_CASE("silence around what looks made up is skipped, not transcribed for ever") {
  TranscribeOptions options;
  options.language = "en";
  options.suppress_tokens = suppressed(305);
  options.word_timestamps = true;
  const Transcript plain = run({"long"}, options)[0];
  options.hallucination_silence = 0.5;
  const Transcript guarded = run({"long"}, options)[0];
  CHECK(guarded.segments.size() < plain.segments.size());
}

TEST_CASE("wrong transcription options are refused in one line") {
  const auto refusal = [](auto change) {
    TranscribeOptions options;
    options.language = "en";
    change(options);
    return testing::error_of([&] { run({"short"}, options); });
  };
  CHECK(refusal([](auto& o) { o.language = "klingon"; }).find("klingon") != std::string::npos);
  CHECK(refusal([](auto& o) { o.suppress_tokens = "1,x"; }).find("--suppress-tokens") !=
        std::string::npos);
  CHECK(refusal([](auto& o) { o.temperature.clear(); }).find("--temperature") != std::string::npos);
  CHECK(refusal([](auto& o) { o.clip_timestamps = {-1.0f}; }).find("--clip-timestamps") !=
        std::string::npos);
}

TEST_CASE("a recording of nothing has no text") {
  TranscribeOptions options;
  options.language = "en";
  std::vector<audio::Recording> recordings;
  recordings.push_back(audio::Recording::of_pcm(std::vector<int16_t>(100), 80));
  const auto t = transcribe(nano(), tokenizer(), std::move(recordings), options);
  CHECK(t[0].text.empty());
  CHECK(t[0].segments.empty());
}
