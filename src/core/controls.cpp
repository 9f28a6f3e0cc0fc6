#include "otoscope/core/controls.h"

namespace otoscope {

std::string without_controls(std::string text, std::string_view keep) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 || byte == 0x7F) && keep.find(c) == std::string_view::npos) c = ' ';
  }
  return text;
}

}  // namespace otoscope
