#pragma once

#include <string>

namespace otoscope::steer {

/// At most `most` bytes of a UTF-8 text, cut between characters and marked with "…".
inline std::string shortened(std::string text, size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80U) --most;
  return text.substr(0, most) + "…";
}

}  // namespace otoscope::steer
