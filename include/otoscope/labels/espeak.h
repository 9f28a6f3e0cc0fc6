#pragma once
/// Speech from text through the espeak-ng library, with the exact time of every phone and word.
/// An optional component (GPL-3, docs/licences.md): without it every call that speaks is a
/// UserError of one line.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace otoscope::labels {

struct SpeakOptions {
  std::string language = "en";  // ISO 639-1, or espeak-ng's own name ("en-us", "pt-br")
  std::string variant{};        // "f1", "m3", "klatt", …: another speaker; "" = the voice's own
  int rate = 175;               // words a minute, 80 … 450
  int pitch = 50;               // base pitch, 0 … 99
};

enum class Stress : uint8_t { none, secondary, primary };

struct SpokenPhone {
  std::string ipa;               // without stress marks; "" = a pause
  Stress stress = Stress::none;  // of the vowel; consonants carry none
  int64_t start = 0, end = 0;    // samples at 16 kHz
  int32_t word = -1;             // index of its word, -1 in a pause
};

struct SpokenWord {
  size_t text_begin = 0, text_end = 0;  // bytes of the text, without white space around
  int64_t start = 0, end = 0;           // samples at 16 kHz; first to last phone
};

struct Speech {
  std::vector<float> pcm;           // 16 kHz mono in [-1, 1]
  std::vector<SpokenPhone> phones;  // gapless from 0 to the end, pauses among them
  std::vector<SpokenWord> words;    // those that have phones, in order
};

/// False in a build without the component.
bool espeak_available();
/// "1.51"
std::string espeak_version();

struct EspeakVoice {
  std::string language, name;  // "en-us", "English (America)"
};
/// One per language, ordered by language; and the names of the variants ("f1", "klatt", …).
std::vector<EspeakVoice> espeak_voices();
std::vector<std::string> espeak_variants();

/// The same samples for the same input, in any order of calls: the synthesiser is global to the
/// process, so calls wait for each other, and its noise is seeded anew in each. UserError: unknown
/// language or variant (with the nearest), rate or pitch out of range, text that is not UTF-8 or
/// longer than 10,000 bytes. A text without words gives silence or nothing.
Speech speak(std::string_view text, const SpeakOptions& options = {});

}  // namespace otoscope::labels
