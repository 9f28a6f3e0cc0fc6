#include "otoscope/labels/espeak.h"

#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "labels/espeak_child.h"
#include "labels/espeak_events.h"
#include "otoscope/audio/decode.h"
#include "otoscope/audio/wav.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/labels/phonology.h"

namespace otoscope::labels {
namespace {

constexpr size_t kMostText = 10'000;
constexpr std::string_view kVariant = "variant";

/// Where a language has several voices, the one of most speakers; and Whisper's codes.
constexpr std::pair<std::string_view, std::string_view> kUsual[] = {
    {"en", "en-us"}, {"es", "es-419"}, {"fr", "fr-fr"},
    {"pt", "pt-br"}, {"zh", "cmn"},    {"no", "nb"},
};

/// Listed once for the process; a failure is not remembered.
const std::vector<RawVoice>& all_voices() {
  static std::mutex mutex;
  static std::vector<RawVoice> voices;
  const std::lock_guard lock(mutex);
  if (voices.empty()) voices = list_in_child();
  return voices;
}

/// The file of the voice for a language.
std::string voice_of(const std::string& language) {
  std::string wanted = language;
  for (const auto& [code, usual] : kUsual)
    if (code == language) wanted = usual;
  std::vector<std::string> known;
  const RawVoice* found = nullptr;
  for (const RawVoice& voice : all_voices()) {
    if (voice.language == kVariant) continue;
    known.push_back(voice.language);
    if (voice.language == wanted) return voice.file;
    if (found == nullptr && voice.language.starts_with(wanted + "-")) found = &voice;
  }
  if (found != nullptr && !wanted.empty()) return found->file;
  throw UserError(language, "expected a language that espeak-ng speaks",
                  "the nearest are " + join(nearest_names(language, known)));
}

void check(std::string_view text, const SpeakOptions& options) {
  const auto within = [](const char* what, int value, int low, int high) {
    if (value < low || value > high)
      throw UserError(what, fmt::format("expected {} to {}, got {}", low, high, value));
  };
  within("rate", options.rate, 80, 450);
  within("pitch", options.pitch, 0, 99);
  if (text.size() > kMostText)
    throw UserError(fmt::format("text \"{}…\"", text.substr(0, 20)),
                    fmt::format("expected at most {} bytes, got {}", kMostText, text.size()),
                    "cut it into sentences");
  if (!options.variant.empty()) {
    const std::vector<std::string> known = espeak_variants();
    if (std::find(known.begin(), known.end(), options.variant) == known.end())
      throw UserError(options.variant, "expected a variant of espeak-ng's voices",
                      "the nearest are " + join(nearest_names(options.variant, known)));
  }
}

}  // namespace

bool espeak_available() {
#ifdef OTOSCOPE_WITH_ESPEAK
  return true;
#else
  return false;
#endif
}

std::string espeak_version() {
  static std::mutex mutex;
  static std::string version;
  const std::lock_guard lock(mutex);
  if (version.empty()) version = version_in_child();
  return version;
}

std::vector<EspeakVoice> espeak_voices() {
  std::vector<EspeakVoice> voices;
  for (const RawVoice& voice : all_voices())
    if (voice.language != kVariant) voices.push_back({voice.language, voice.name});
  std::stable_sort(voices.begin(), voices.end(), [](const EspeakVoice& a, const EspeakVoice& b) {
    return a.language < b.language;
  });
  const auto same = [](const EspeakVoice& a, const EspeakVoice& b) {
    return a.language == b.language;
  };
  voices.erase(std::unique(voices.begin(), voices.end(), same), voices.end());
  return voices;
}

std::vector<std::string> espeak_variants() {
  std::vector<std::string> names;
  for (const RawVoice& voice : all_voices())
    if (voice.language == kVariant) names.push_back(voice.file);
  std::sort(names.begin(), names.end());
  return names;
}

Speech speak(std::string_view text, const SpeakOptions& options) {
  check(text, options);
  const TextPlaces places(text);  // refuses what is not UTF-8
  std::string voice = voice_of(options.language);
  if (!options.variant.empty()) voice += "+" + options.variant;
  const RawSpeech raw = speak_in_child(places.plain(), voice, options.rate, options.pitch);
  const std::string wav = audio::encode_wav(raw.pcm, raw.rate);
  Speech speech;
  if (!raw.pcm.empty()) {
    audio::Decoder decoder(std::as_bytes(std::span(wav)), "speech.wav");
    std::vector<int16_t> piece(1 << 16);
    while (const size_t got = decoder.read(piece))
      for (size_t i = 0; i < got; ++i)
        speech.pcm.push_back(static_cast<float>(piece[i]) / 32768.0F);
  }
  read_events(raw, places, speech);
  const std::string_view language = std::string_view(options.language).substr(0, 2);
  for (SpokenPhone& phone : speech.phones) phone.ipa = ipa_of_espeak(phone.ipa, language);
  return speech;
}

}  // namespace otoscope::labels
