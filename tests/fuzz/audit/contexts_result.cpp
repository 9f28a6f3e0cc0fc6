// A comparison of contexts that a record takes in: a summary or a UserError.
#include <nlohmann/json.hpp>

#include "audit/contexts_json.h"
#include "fuzz/folder.h"
#include "otoscope/core/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  try {
    const auto json = audit::contexts_json(std::string(fuzzing::text_of(data, size)));
    if (!json.at("comparisons").is_array()) __builtin_trap();
  } catch (const UserError&) {
  }
  return 0;
}
