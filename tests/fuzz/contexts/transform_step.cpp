/// A transform as text: read or refused in one line, and what is read is written back the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "otoscope/contexts/transform.h"
#include "otoscope/core/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const contexts::Step step = contexts::parse_step(text, "--transform");
    const contexts::Step again = contexts::parse_step(contexts::step_text(step), "--transform");
    if (again.change != step.change) std::abort();
  } catch (const UserError&) {
  }
  return 0;
}
