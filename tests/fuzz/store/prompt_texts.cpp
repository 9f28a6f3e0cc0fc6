// Any bytes as a list of prompt texts: entries or a UserError.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "otoscope/core/errors.h"
#include "store/corpora/prompt_texts.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    for (const auto& [id, words] : otoscope::store::parse_prompt_texts(text, "x.txt")) {
      // Without words it is a description or empty; with them it is neither.
      if (otoscope::store::describes_a_sound(words) && !otoscope::store::spoken_text(words).empty())
        __builtin_trap();
    }
  } catch (const otoscope::UserError&) {
  }
  return 0;
}
