// Any bytes as findings of a voice-activity detector: spans in order, or a UserError.
#include <cstddef>
#include <cstdint>

#include "otoscope/core/errors.h"
#include "otoscope/steer/suppress_vad.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    for (const auto& [id, spans] : otoscope::steer::parse_vad(text, "x").speech) {
      double last = 0;
      for (const auto& [start, end] : spans) {
        if (!(start >= last && end > start)) __builtin_trap();
        last = end;
      }
    }
  } catch (const otoscope::UserError&) {
  }
  return 0;
}
