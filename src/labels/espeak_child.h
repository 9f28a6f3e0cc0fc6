#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/labels/espeak.h"

namespace otoscope::labels {

/// What espeak-ng reports while it speaks, before it is made sense of.
struct RawEvent {
  bool word = false;          // else a phone
  int32_t text_position = 0;  // characters from 1
  int32_t length = 0;         // characters of a word
  int64_t sample = 0;         // at `rate`
  std::string name;           // of a phone: IPA, at most 8 bytes; "" = a pause or a transition
};

struct RawSpeech {
  int rate = 22050;
  std::vector<int16_t> pcm;
  std::vector<RawEvent> events;  // in order of time
  std::string transcript;        // clauses: phones by '_', words by ' ', with stress marks
};

/// Speaks in a child process of its own. espeak-ng keeps state from one utterance to the next that
/// changes samples and times (and nothing resets it), so only a process that has not spoken yet
/// gives the same speech twice; texts that crash or hang it cost nothing but an error; and several
/// can speak at once. UserError: voice unknown to espeak-ng, no data, crash, more than 60 s.
RawSpeech speak_in_child(std::string_view text, const std::string& voice, int rate, int pitch);

struct RawVoice {
  std::string language, name;  // "fr-fr", "French (France)"; variants have the language "variant"
  std::string file;            // "roa/fr", "f1": found without a search
};
std::vector<RawVoice> list_in_child();
/// "1.51"
std::string version_in_child();

}  // namespace otoscope::labels
