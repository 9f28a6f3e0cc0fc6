// Any bytes as a line of Apertium's stream: tokens or a UserError.
#include <cstddef>
#include <cstdint>

#include "otoscope/core/errors.h"
#include "otoscope/labels/analysers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    for (const auto& token : otoscope::labels::parse_stream_line(text, "x"))
      for (const auto& reading : token.readings)
        if (reading.parts.empty()) __builtin_trap();
  } catch (const otoscope::UserError&) {
  }
  return 0;
}
