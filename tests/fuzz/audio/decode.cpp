// Any bytes as an audio file: samples or a UserError, nothing else. The first byte chooses the
// name, because the extension helps to recognise a format.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/audio/decode.h"
#include "otoscope/core/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const char* const names[] = {"x", "x.wav", "x.mp3", "x.g722", "x.flac", "x.ogg", "x.mp4"};
  if (size == 0) return 0;
  const char* name = names[data[0] % (sizeof names / sizeof *names)];
  try {
    otoscope::audio::Decoder decoder(std::as_bytes(std::span(data + 1, size - 1)), name);
    std::vector<int16_t> piece(16000);
    // A few bytes may state hours of silence: a minute of it is enough here.
    for (int second = 0; second < 60 && decoder.read(piece) > 0; ++second) {
    }
  } catch (const otoscope::UserError&) {
  }
  return 0;
}
