/// Signed records come from other people: any bytes give an envelope or a UserError.
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "otoscope/audit/envelope.h"
#include "otoscope/audit/schema.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const audit::Envelope envelope = audit::parse_envelope(text, "fuzz");
    audit::signed_by(envelope, {});
    const io::Json payload = io::parse_json(envelope.payload, "fuzz");
    audit::record_problems(payload);
    audit::parse_statement(payload, "fuzz");
  } catch (const UserError&) {
  }
  return 0;
}
