#include "otoscope/serve/audit_page.h"

#include <doctest/doctest.h>

#include "audit/made_record.h"
#include "otoscope/io/file.h"
#include "otoscope/serve/check.h"
#include "support/close.h"
#include "support/errors.h"
#include "support/tone.h"

namespace otoscope::serve {

TEST_CASE("a record's page has its numbers bound, its cases to hear, and foreign text escaped") {
  const otoscope::testing::TemporaryFolder folder;
  io::write_file(folder.path() / "tone.wav", testing::tone());
  const std::string head = "{\"id\": \"c\", \"reference\": null, \"offset\": 0, \"seconds\": 0.5, ";
  io::write_file(folder.path() / "a.cases.jsonl",
                 head +
                     "\"audio\": \"tone.wav\", \"text\": \"<i>you\", \"normalised\": \"you\", "
                     "\"answer\": \"fails\"}\n" +
                     head +
                     "\"audio\": \"gone.wav\", \"text\": \"\", \"normalised\": \"\", "
                     "\"answer\": \"passes\"}\n");
  io::write_file(folder.path() / "a.json", audit::testing::record(20, 40).dump(1));
  const AuditPage made = write_audit_page(folder.path() / "a.json", silent_progress());
  CHECK(made.sounds == 1);
  CHECK(made.numbers > 20);
  const std::string page = io::read_file(made.path);
  CHECK(check_report(page, folder.path()).problems.empty());
  CHECK(page.find("<b>at</b>") == std::string::npos);
  CHECK(page.find("<script") == std::string::npos);
  CHECK(page.find("<i>you") == std::string::npos);
  CHECK(page.find("&lt;i&gt;you") != std::string::npos);
  CHECK(page.find("claims no conformity") != std::string::npos);
  CHECK(page.find("http") == std::string::npos);
}

TEST_CASE("what is no record gives no page") {
  const otoscope::testing::TemporaryFolder folder;
  io::write_file(folder.path() / "a.json", "{\"schema\": \"otoscope.audit\", \"version\": 3}");
  CHECK(otoscope::testing::error_of([&] {
          write_audit_page(folder.path() / "a.json", silent_progress());
        }).find("audit record, version 1") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "a.html"));
}

TEST_CASE("cases without their times are refused in a line") {
  const otoscope::testing::TemporaryFolder folder;
  io::write_file(folder.path() / "a.json", audit::testing::record(20, 40).dump());
  io::write_file(folder.path() / "a.cases.jsonl",
                 "{\"answer\": \"fails\", \"seconds\": 1, \"offset\": \"now\"}\n");
  CHECK(otoscope::testing::error_of([&] {
          write_audit_page(folder.path() / "a.json", silent_progress());
        }).find("a.cases.jsonl:1] expected a number at offset") != std::string::npos);
}

}  // namespace otoscope::serve
