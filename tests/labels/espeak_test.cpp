#include "otoscope/labels/espeak.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "labels/espeak_events.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/threads.h"

using namespace otoscope;
using namespace otoscope::labels;

namespace {

double loudness(const Speech& speech, int64_t begin, int64_t end) {
  double sum = 0;
  for (int64_t i = begin; i < end; ++i)
    sum += double{speech.pcm[static_cast<size_t>(i)]} * speech.pcm[static_cast<size_t>(i)];
  return std::sqrt(sum / static_cast<double>(std::max<int64_t>(1, end - begin)));
}

std::string word_text(const std::string& text, const SpokenWord& word) {
  return text.substr(word.text_begin, word.text_end - word.text_begin);
}

std::vector<std::string> ipa_of(const Speech& speech) {
  std::vector<std::string> names;
  for (const SpokenPhone& phone : speech.phones) names.push_back(phone.ipa);
  return names;
}

RawEvent phone_at(int64_t sample, const char* name) { return {false, 1, 0, sample, name}; }
RawEvent word_at(int64_t sample, int position, int length) {
  return {true, position, length, sample, ""};
}

}  // namespace

TEST_CASE("events become phones: pauses, links, modifiers, closures and stress") {
  RawSpeech raw;
  raw.rate = 16000;
  raw.pcm.assign(16000, 1000);
  for (size_t i = 3000; i < 4000; ++i) raw.pcm[i] = 0;    // the closure of a stop
  for (size_t i = 12000; i < 16000; ++i) raw.pcm[i] = 0;  // a pause
  raw.events = {word_at(0, 1, 2),       phone_at(0, "v"),     phone_at(1000, "ʲ"),
                phone_at(1500, "i"),    phone_at(4000, "t"),  phone_at(5000, ""),
                word_at(6000, 4, 3),    phone_at(6000, "a"),  phone_at(9000, "(en)"),
                phone_at(9500, "(ru)"), phone_at(10000, "n"), phone_at(12000, ""),
                phone_at(12500, "")};
  raw.transcript = "vʲ_ˈi_t ˌa_n";
  Speech speech;
  speech.pcm.assign(16000, 0.1F);
  const TextPlaces places("vi ta!");
  read_events(raw, places, speech);
  CHECK(ipa_of(speech) == std::vector<std::string>{"vʲ", "i", "t", "a", "n", ""});
  REQUIRE(speech.phones.size() == 6);
  CHECK(speech.phones[1].stress == Stress::primary);
  CHECK(speech.phones[3].stress == Stress::secondary);
  CHECK(speech.phones[2].stress == Stress::none);
  CHECK(speech.phones[2].start == 3000);  // not 4000: a stop begins with its closure
  CHECK(speech.phones[1].end == 3000);
  CHECK(speech.phones[2].end == 6000);  // the link sounds: it belongs to the phone before
  CHECK(speech.phones[3].end == 10000);
  CHECK(speech.phones[5].start == 12000);
  CHECK(speech.phones[5].end == 16000);
  CHECK(speech.phones[5].word == -1);
  REQUIRE(speech.words.size() == 2);
  CHECK(speech.words[0].end == 6000);
  CHECK(speech.words[1].start == 6000);
  CHECK(speech.words[1].text_begin == 3);
}

TEST_CASE("places in a text count characters, not bytes") {
  const TextPlaces places("¿Qué día…?  — 12\tок");
  REQUIRE(places.words().size() == 4);  // the dash is no word
  CHECK(places.word_at(0) == 0);
  CHECK(places.word_at(5) == 1);
  CHECK(places.word_at(14) == 2);
  CHECK(places.word_at(99) == 3);
  CHECK(places.plain().find('\t') == std::string::npos);
  CHECK(TextPlaces("").words().empty());
  CHECK(TextPlaces("...!? —").words().empty());
  CHECK_THROWS_AS(TextPlaces("abc\xff"), UserError);
  CHECK_THROWS_AS(TextPlaces("\xe2\x82"), UserError);
  CHECK(plain_ipa("ˈiː5.") == "iː");
  CHECK(plain_ipa("y-") == "y");
}

TEST_CASE("without the component one line says so" * doctest::skip(espeak_available())) {
  CHECK_THROWS_AS(speak("hello"), UserError);
  CHECK_THROWS_AS(espeak_voices(), UserError);
}

TEST_SUITE("speech" * doctest::skip(!espeak_available())) {
  TEST_CASE("phones tile the speech, words are those of the text, pauses are silent") {
    const std::string text = "Hello, there are 123 prompts. It's Dr. Smith's PBX!";
    const Speech speech = speak(text, {.language = "en"});
    REQUIRE(!speech.phones.empty());
    CHECK(speech.phones.front().start == 0);
    CHECK(speech.phones.back().end == static_cast<int64_t>(speech.pcm.size()));
    double loudest_pause = 0, quietest_vowel = 1;
    for (size_t i = 0; i < speech.phones.size(); ++i) {
      const SpokenPhone& phone = speech.phones[i];
      CHECK(phone.end > phone.start);
      if (i > 0) CHECK(phone.start == speech.phones[i - 1].end);
      const double level = loudness(speech, phone.start, phone.end);
      if (phone.ipa.empty()) {
        CHECK(phone.word == -1);
        loudest_pause = std::max(loudest_pause, level);
      } else if (phone.stress == Stress::primary) {
        quietest_vowel = std::min(quietest_vowel, level);
      }
    }
    CHECK(loudest_pause < 0.01);
    CHECK(quietest_vowel > 0.03);
    std::vector<std::string> words;
    for (const SpokenWord& word : speech.words) words.push_back(word_text(text, word));
    CHECK(words == std::vector<std::string>{"Hello,", "there are", "123", "prompts.", "It's", "Dr.",
                                            "Smith's", "PBX!"});
    CHECK(speech.phones[0].ipa == "h");
    CHECK(speech.phones[3].stress == Stress::primary);  // hel-LO
  }

  TEST_CASE("the same speech again, whatever was said between and by how many threads") {
    const SpeakOptions russian{.language = "ru", .variant = "f2", .rate = 200, .pitch = 60};
    const Speech first = speak("Введите номер.", russian);
    std::vector<Speech> others(8);
    parallel_ranges(8, 1, [&](int64_t i, int64_t) {
      others[static_cast<size_t>(i)] =
          i % 2 == 0 ? speak("Введите номер.", russian)
                     : speak("Something else altogether.", {.language = "en"});
    });
    for (size_t i = 0; i < 8; i += 2) {
      CHECK(others[i].pcm == first.pcm);
      CHECK(ipa_of(others[i]) == ipa_of(first));
    }
    CHECK(others[1].pcm != first.pcm);
  }

  TEST_CASE("voice, rate and pitch are heard") {
    const Speech usual = speak("One two three", {});
    CHECK(speak("One two three", {.variant = "f2"}).pcm != usual.pcm);
    CHECK(speak("One two three", {.pitch = 80}).pcm != usual.pcm);
    CHECK(static_cast<double>(speak("One two three", {.rate = 350}).pcm.size()) <
          0.8 * static_cast<double>(usual.pcm.size()));
  }

  TEST_CASE("scripts without spaces have words all the same") {
    const std::string text = "你好世界";
    const Speech speech = speak(text, {.language = "zh"});
    CHECK(speech.words.size() > 1);
    for (const SpokenWord& word : speech.words) CHECK(word_text(text, word).size() % 3 == 0);
  }

  TEST_CASE("all the languages of the prompts, and Whisper's codes, are spoken") {
    for (const char* code : {"en", "es", "fr", "it", "ru", "de", "pt", "zh", "no"})
      CHECK(!speak("1", {.language = code}).words.empty());
    std::set<std::string> languages;
    for (const EspeakVoice& voice : espeak_voices()) CHECK(languages.insert(voice.language).second);
    CHECK(languages.size() > 90);
    CHECK(espeak_variants().size() > 20);
  }

  TEST_CASE("hostile texts give no words, or a message") {
    for (const char* text : {"", "   ", "...", "?!", "—"}) CHECK(speak(text).words.empty());
    CHECK(!speak("<speak><audio src='x'>a [[b]] %s %n \x01 \x7f").words.empty());
    CHECK_THROWS_AS(speak("\xff\xfe"), UserError);
    CHECK_THROWS_AS(speak(std::string(10'001, 'a')), UserError);
    CHECK(!speak(std::string(2'000, 'a')).pcm.empty());
    CHECK_THROWS_WITH_AS(speak("a", {.language = "xx"}), doctest::Contains("nearest"), UserError);
    CHECK_THROWS_AS(speak("a", {.language = ""}), UserError);
    CHECK_THROWS_AS(speak("a", {.language = "../../etc/passwd"}), UserError);
    CHECK_THROWS_AS(speak("a", {.variant = "nobody"}), UserError);
    CHECK_THROWS_AS(speak("a", {.rate = 0}), UserError);
    CHECK_THROWS_AS(speak("a", {.pitch = 100}), UserError);
  }
}
