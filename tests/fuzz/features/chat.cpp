// Any bytes as the answer of a language model: a short readable name, numbers in range, or nothing.
#include <cstddef>
#include <cstdint>

#include "features/naming/chat.h"
#include "otoscope/core/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope::features;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto take = [](std::string_view content) {
    if (const auto name = name_in(content)) {
      if (name->empty() || name->size() > kLongestName) __builtin_trap();
      for (const char c : *name)
        if (static_cast<unsigned char>(c) < 0x20) __builtin_trap();
    }
    if (const auto picks = picks_in(content, 10)) {
      int last = 0;
      for (const int pick : *picks) {
        if (pick <= last || pick > 10) __builtin_trap();
        last = pick;
      }
    }
  };
  take(text);
  try {
    take(chat_content(text, "x"));
  } catch (const otoscope::UserError&) {
  }
  return 0;
}
