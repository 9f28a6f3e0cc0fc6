/// Text and events of a synthesiser, of any form: phones tile the speech, words lie in the text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "labels/align_core.h"
#include "labels/espeak_events.h"
#include "otoscope/core/errors.h"

using namespace otoscope;
using namespace otoscope::labels;

namespace {

void must(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  // text NUL transcript NUL events of 12 bytes: kind, position, length, sample / 16, name
  const size_t first = input.find('\0');
  if (first == input.npos) return 0;
  const size_t second = input.find('\0', first + 1);
  if (second == input.npos) return 0;
  const std::string text(input.substr(0, first));
  RawSpeech raw;
  raw.transcript = input.substr(first + 1, second - first - 1);
  std::string_view rest = input.substr(second + 1);
  int64_t sample = 0;
  while (rest.size() >= 12) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(rest[i]); };
    RawEvent event;
    event.word = byte(0) % 2 == 1;
    event.text_position = static_cast<int8_t>(byte(1));
    event.length = static_cast<int8_t>(byte(2));
    sample += byte(3) * 16;
    event.sample = sample;
    event.name = rest.substr(4, 8);
    event.name = event.name.substr(0, event.name.find('\0'));
    raw.events.push_back(event);
    rest.remove_prefix(12);
  }
  raw.pcm.assign(static_cast<size_t>(sample), 500);
  Speech speech;
  speech.pcm.assign(static_cast<size_t>(sample * 16000 / raw.rate), 0.1F);
  try {
    const TextPlaces places(text);
    read_events(raw, places, speech);
  } catch (const UserError&) {
    return 0;
  }
  int64_t end = 0;
  for (const SpokenPhone& phone : speech.phones) {
    must(phone.start == end && phone.end >= phone.start);
    must(phone.word < static_cast<int32_t>(speech.words.size()));
    end = phone.end;
  }
  for (const SpokenWord& word : speech.words)
    must(word.text_begin <= word.text_end && word.text_end <= text.size());
  tracks_of(speech, text);
  return 0;
}
