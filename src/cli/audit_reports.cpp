#include "cli/audit_reports.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "otoscope/audit/gate.h"
#include "otoscope/audit/history.h"
#include "otoscope/audit/report.h"
#include "otoscope/audit/verify.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/serve/audit_page.h"

namespace otoscope::cli {

namespace fs = std::filesystem;

int report_audit(const Context& context, const std::string& file) {
  const audit::RecordFiles files = audit::record_files(file);
  const serve::AuditPage page = serve::write_audit_page(files.record, context.progress);
  const io::Json record = io::read_json(files.record);
  fs::path text = files.record, findings = files.record;
  io::write_file(text.replace_extension(".md"), audit::markdown(record));
  io::write_json(findings.replace_extension(".sarif"), audit::sarif(record));
  if (context.common.json)
    context.print(io::OrderedJson{
        {"page", page.path.string()},
        {"markdown", text.string()},
        {"sarif", findings.string()},
        {"bytes", page.bytes},
        {"numbers", page.numbers},
        {"sounds",
         page.sounds}}.dump(1));
  else
    context.print(page.path.string() + ": " + human_bytes(page.bytes) + ", " +
                  std::to_string(page.numbers) + " numbers held against the record, " +
                  std::to_string(page.sounds) + " sounds\n" + text.string() + "\n" +
                  findings.string());
  return 0;
}

int audit_history(const Context& context, const HistoryOptions& options) {
  std::vector<audit::Audited> audits;
  for (size_t i = 1; i < context.arguments.size(); ++i) {
    const std::string& file = context.arguments[i];
    if (!options.key.empty() &&
        !audit::verify_record(file, audit::read_public_key(options.key)).holds())
      throw ConditionFailed(file, "expected a record that holds, it does not");
    const audit::RecordFiles files = audit::record_files(file);
    audits.push_back({file, io::read_file(files.record),
                      fs::exists(files.cases) ? io::read_file(files.cases) : std::string()});
  }
  const io::OrderedJson json = audit::history(audits, context.common.seed, options.replicates);
  if (!options.out.empty()) io::write_json(options.out, json);
  if (context.common.json) {
    context.print(json.dump(1));
  } else {
    std::vector<std::vector<std::string>> rows{
        {"record", "fail", "of", "rate", "less the one before", "less the first"}};
    for (const auto& one : json.at("versions")) {
      const auto cell = [&](const char* key) {
        return one.contains(key) ? io::with_interval(one[key], 3) : std::string("-");
      };
      rows.push_back({one.at("name").get<std::string>(), one.at("k").dump(), one.at("n").dump(),
                      cell("rate"), cell("difference"), cell("since_first")});
    }
    context.print(
        "\"" + json.at("title").get<std::string>() + "\"\n" + text_table(rows) +
        "\nlast difference: " + json.at("last").at("difference").at("method").get<std::string>());
  }
  if (!options.fail_if.empty() && audit::holds(options.fail_if, io::Json(json)))
    throw ConditionFailed("history", "expected not " + options.fail_if);
  return 0;
}

}  // namespace otoscope::cli
