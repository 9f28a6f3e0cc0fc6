/// Conditions come from command lines and files of CI: any bytes give an answer or a UserError.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "otoscope/audit/gate.h"
#include "otoscope/core/errors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto record = nlohmann::json::parse(
      R"({"a": {"b": 1, "c": null}, "rate": {"clips": {"k": 1, "estimate": {"low": 0.1}}}})");
  try {
    otoscope::audit::holds(std::string_view(reinterpret_cast<const char*>(data), size), record);
  } catch (const otoscope::UserError&) {
  }
  return 0;
}
