/// Failure modes come from other people: any bytes give a mode that can judge, or a UserError.
#include <cstdint>
#include <string_view>

#include "otoscope/audit/judge.h"
#include "otoscope/core/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  try {
    const audit::FailureMode mode =
        audit::parse_mode(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz");
    audit::Case one;
    one.reference = "a b c";
    one.heard.normalised = "a c c c c c";
    audit::judge(mode, one);
  } catch (const UserError&) {
  }
  return 0;
}
