#include "otoscope/audit/verify.h"

#include <doctest/doctest.h>

#include "audit/made_record.h"
#include "otoscope/audit/envelope.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "support/close.h"
#include "support/errors.h"

namespace otoscope::audit {
namespace {

/// What `verify` says of one thing in a record that was signed as it is; `without`: a subject that
/// is left out of what is signed.
Finding finding_of(const testing::Json& record, const std::string& what,
                   const std::string& without = "") {
  const otoscope::testing::TemporaryFolder folder;
  const SecretKey key = make_key();
  const RecordFiles files = record_files(folder.path() / "a.json");
  const std::string text = record.dump();
  io::write_file(files.record, text);
  io::write_file(files.cases, "");
  const Envelope whole = parse_envelope(seal_record(record, text, "", files, key), "whole");
  std::vector<Subject> subjects =
      parse_statement(io::parse_json(whole.payload, "whole"), "whole").subjects;
  std::erase_if(subjects, [&](const Subject& one) { return one.name == without; });
  io::write_file(files.envelope,
                 envelope_text(seal(statement_text(subjects, record), kPayloadType, key)));
  for (const Finding& one : verify_record(files.record, key.public_key()).findings)
    if (one.what == what) return one;
  return {"not looked at", false, ""};
}
Finding numbers_of(const testing::Json& record) {
  return finding_of(record, "numbers that follow from counts");
}

}  // namespace

TEST_CASE("intervals are computed again, and one that does not follow is told") {
  testing::Json record = testing::record(40, 100);
  CHECK(numbers_of(record).holds);
  CHECK(numbers_of(record).says == "3 Wilson intervals computed again");
  record["rate"]["clips"]["wilson"]["low"] = 0.3;
  CHECK_FALSE(numbers_of(record).holds);
  CHECK(numbers_of(record).says.find("/rate/clips: the interval") == 0);
}

TEST_CASE("counts that no data has are told, not counted with") {
  const auto with = [](const testing::Json& k, const testing::Json& n) {
    testing::Json record = testing::record(40, 100);
    record["rate"]["clips"]["k"] = k;
    record["rate"]["clips"]["n"] = n;
    return numbers_of(record);
  };
  CHECK(with(101, 100).says.find("not so many failures") != std::string::npos);
  CHECK(with(40, UINT64_MAX).says.find("not so many failures") != std::string::npos);
  CHECK(with(UINT64_MAX, UINT64_MAX).says.find("not so many failures") != std::string::npos);
  CHECK(with(1e300, 1e300).says.find("not so many failures") != std::string::npos);
}

TEST_CASE("every file that a record stands on must be among what was signed") {
  const testing::Json record = testing::record(40, 100);
  CHECK(finding_of(record, "coverage").holds);
  for (const char* name : {"a.json", "a.cases.jsonl", "mode.json", "model/model.bin",
                           "sae-0/cfg.json", "data/manifest.jsonl"}) {
    const Finding coverage = finding_of(record, "coverage", name);
    CHECK_FALSE(coverage.holds);
    CHECK_MESSAGE(coverage.says.find(name) != std::string::npos, coverage.says);
  }
}

TEST_CASE("what only looks like a rate is no rate") {
  testing::Json record = testing::record(40, 100);
  record["provenance"]["command"] = {{"k", "many"}, {"n", 1}, {"wilson", 3}};
  record["failure_mode"]["predicate"] = {{"k", 1}, {"n", 2}, {"wilson", {1, 2}}};
  CHECK(numbers_of(record).says == "3 Wilson intervals computed again");
}

}  // namespace otoscope::audit
