#include "labels/espeak_library.h"

#ifdef OTOSCOPE_WITH_ESPEAK

#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include <espeak-ng/speak_lib.h>

#include "labels/espeak_wire.h"

namespace otoscope::labels {
namespace {

/// The library calls back without a context that we could give it everywhere.
struct Heard {
  std::string pcm, transcript;
  WireWriter events;
  int64_t count = 0;
};
Heard heard;  // NOLINT: one per child, which speaks once

int on_sound(short* pcm, int samples, espeak_EVENT* events) {
  for (; events->type != espeakEVENT_LIST_TERMINATED; ++events) {
    const bool phone = events->type == espeakEVENT_PHONEME;
    if (!phone && events->type != espeakEVENT_WORD) continue;
    ++heard.count;
    heard.events.number(phone ? 0 : 1);
    heard.events.number(events->text_position);
    heard.events.number(phone ? 0 : events->length);
    heard.events.number(events->sample);
    const char* name = events->id.string;
    heard.events.text(phone ? std::string_view(name, strnlen(name, sizeof events->id.string))
                            : std::string_view());
  }
  if (pcm != nullptr && samples > 0)
    heard.pcm.append(reinterpret_cast<const char*>(pcm), sizeof(short) * size_t(samples));
  return 0;
}

int on_phonemes(const char* clause) {
  heard.transcript += clause;
  heard.transcript += ' ';
  return 0;
}

int begin() {
  const int rate = espeak_Initialize(
      AUDIO_OUTPUT_SYNCHRONOUS, 0, nullptr,
      espeakINITIALIZE_PHONEME_EVENTS | espeakINITIALIZE_PHONEME_IPA | espeakINITIALIZE_DONT_EXIT);
  return rate;
}

}  // namespace

std::string library_speak(const std::string& text, const std::string& voice, int rate, int pitch) {
  WireWriter out;
  const int sample_rate = begin();
  if (sample_rate <= 0) return {};
  std::srand(1);
  espeak_SetSynthCallback(on_sound);
  // The transcript has what events lack: stress, and names longer than 8 bytes.
  std::FILE* nowhere = std::fopen("/dev/null", "w");
  espeak_SetPhonemeTrace(espeakPHONEMES_IPA | ('_' << 8), nowhere);
  espeak_SetPhonemeCallback(on_phonemes);
  const bool known = espeak_SetVoiceByName(voice.c_str()) == EE_OK;
  if (known) {
    espeak_SetParameter(espeakRATE, rate, 0);
    espeak_SetParameter(espeakPITCH, pitch, 0);
    espeak_Synth(text.c_str(), text.size() + 1, 0, POS_CHARACTER, 0, espeakCHARS_UTF8, nullptr,
                 nullptr);
  }
  out.number(known ? 1 : 0);
  out.number(sample_rate);
  out.text(heard.pcm);
  out.number(heard.count);
  out.text(heard.events.take());
  out.text(heard.transcript);
  return out.take();
}

std::string library_list() {
  WireWriter out;
  if (begin() <= 0) return {};
  espeak_VOICE variants{};
  variants.languages = "variant";
  for (espeak_VOICE* wanted : {static_cast<espeak_VOICE*>(nullptr), &variants}) {
    for (const espeak_VOICE** voice = espeak_ListVoices(wanted); *voice != nullptr; ++voice) {
      const std::string_view language((*voice)->languages + 1);  // after its priority
      if (wanted == nullptr && language == "variant") continue;
      const std::string_view file((*voice)->identifier);  // "roa/fr", "!v/f1"
      out.text(language);
      out.text((*voice)->name);
      out.text(wanted == nullptr ? file : file.substr(file.rfind('/') + 1));
    }
  }
  return out.take();
}

std::string library_version() {
  WireWriter out;
  const std::string_view version(espeak_Info(nullptr));
  out.text(version.substr(0, version.find(' ')));
  return out.take();
}

}  // namespace otoscope::labels

#else

// Never called: without the library there is no child (labels/espeak_child.cpp).
namespace otoscope::labels {

std::string library_speak(const std::string&, const std::string&, int, int) { return {}; }
std::string library_list() { return {}; }
std::string library_version() { return {}; }

}  // namespace otoscope::labels

#endif
