#pragma once

#include <cmath>
#include <cstdint>
#include <string>

namespace otoscope::testing {

/// Two seconds of a tone as a 16 kHz mono WAV file.
inline std::string tone() {
  std::string data;
  for (int i = 0; i < 32000; ++i) {
    const auto sample = static_cast<int16_t>(8000 * std::sin(0.2 * i));
    data += static_cast<char>(sample & 255);
    data += static_cast<char>((sample >> 8) & 255);
  }
  const auto number = [](uint32_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>((value >> (8 * i)) & 255);
    return text;
  };
  const auto size = static_cast<uint32_t>(data.size());
  return "RIFF" + number(36 + size, 4) + "WAVEfmt " + number(16, 4) + number(1, 2) + number(1, 2) +
         number(16000, 4) + number(32000, 4) + number(2, 2) + number(16, 2) + "data" +
         number(size, 4) + data;
}

}  // namespace otoscope::testing
