#include "otoscope/audio/wav.h"

namespace otoscope::audio {

std::string encode_wav(std::span<const int16_t> pcm, int rate) {
  const auto bytes = static_cast<uint32_t>(pcm.size() * 2);
  std::string out;
  out.reserve(44 + bytes);
  const auto put = [&](uint32_t value, int width) {
    for (int i = 0; i < width; ++i) out += static_cast<char>(value >> (8 * i));
  };
  out += "RIFF";
  put(36 + bytes, 4);
  out += "WAVEfmt ";
  put(16, 4);  // bytes of this chunk
  put(1, 2);   // PCM
  put(1, 2);   // channels
  put(static_cast<uint32_t>(rate), 4);
  put(static_cast<uint32_t>(rate) * 2, 4);  // bytes a second
  put(2, 2);                                // bytes a sample
  put(16, 2);                               // bits a sample
  out += "data";
  put(bytes, 4);
  for (const int16_t sample : pcm) put(static_cast<uint16_t>(sample), 2);
  return out;
}

}  // namespace otoscope::audio
