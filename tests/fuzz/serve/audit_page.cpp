// A record of other people and its cases as a page: a merge patch (RFC 7396) of a made record, a
// zero byte, the cases. A page whose numbers equal the record, or a UserError.
#include "otoscope/serve/audit_page.h"
#include "audit/made_record.h"
#include "fuzz/folder.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  static const fuzzing::Folder folder("audit-page");
  static const io::Json made = io::parse_json(audit::testing::record(40, 100).dump(), "made");
  std::string_view cases = fuzzing::text_of(data, size);
  try {
    io::Json record = made;
    record.merge_patch(io::parse_json(fuzzing::take_part(cases), "patch"));
    folder.write("a.json", record.dump());
    folder.write("a.cases.jsonl", cases);
    serve::write_audit_page(folder.path() / "a.json", silent_progress());
  } catch (const UserError&) {
  }
  return 0;
}
