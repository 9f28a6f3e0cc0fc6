/// What is accepted must be written and read back as the same document.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const io::Json json = io::parse_json(text, "x");
    if (io::parse_json(json.dump(), "again") != json) std::abort();
  } catch (const UserError&) {
  }
  return 0;
}
