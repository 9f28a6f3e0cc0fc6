// Any bytes as lines of labels: refused, or written and read back in the same bytes.
#include <cstddef>
#include <cstdint>

#include "otoscope/audio/label_lines.h"
#include "otoscope/core/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    for (const auto& clip : audio::parse_label_lines(bytes, "x")) {
      const std::string line = audio::label_line(clip);
      const auto again = audio::parse_label_lines(line, "again");
      if (again.size() != 1 || audio::label_line(again[0]) != line) __builtin_trap();
    }
  } catch (const UserError& error) {
    if (error.where().starts_with("again")) __builtin_trap();
  }
  return 0;
}
