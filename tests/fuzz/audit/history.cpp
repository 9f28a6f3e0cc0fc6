// Audits of other people: what a second record differs in (a merge patch, RFC 7396, so that much
// of it stays a record), and the cases of both. A history or a UserError.
#include "otoscope/audit/history.h"
#include "audit/made_record.h"
#include "fuzz/folder.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace otoscope;
  static const std::string record = audit::testing::record(10, 30).dump();
  std::string_view rest = fuzzing::text_of(data, size);
  const std::string_view patch = fuzzing::take_part(rest), earlier = fuzzing::take_part(rest);
  const auto history = [&](const std::string& second) {
    const audit::Audited audits[] = {{"a", record, std::string(earlier)},
                                     {"b", second, std::string(rest)}};
    try {
      audit::history(audits, 0, 20);
    } catch (const UserError&) {
    }
  };
  history(std::string(patch));
  try {
    io::Json changed = io::parse_json(record, "a");
    changed.merge_patch(io::parse_json(patch, "patch"));
    history(changed.dump());
  } catch (const UserError&) {
  }
  return 0;
}
