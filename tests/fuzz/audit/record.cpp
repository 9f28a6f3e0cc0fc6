// What the schema takes for a record can be told in every form: a made record with any merge patch
// (RFC 7396) is refused by the schema, or written as Markdown, SARIF and history without a word
// of complaint.
#include "audit/made_record.h"
#include "fuzz/folder.h"
#include "otoscope/audit/report.h"
#include "otoscope/audit/schema.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  static const io::Json made = io::parse_json(audit::testing::record(40, 100).dump(), "made");
  io::Json record = made;
  try {
    record.merge_patch(io::parse_json(fuzzing::text_of(data, size), "patch"));
  } catch (const UserError&) {
    return 0;
  }
  if (!audit::record_problems(record).empty()) return 0;
  audit::markdown(record);
  audit::sarif(record);
  return 0;
}
