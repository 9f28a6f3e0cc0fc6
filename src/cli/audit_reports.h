#pragma once
/// What is made of records that are there: pages, and a history of several.

#include <string>

#include "cli/verb.h"

namespace otoscope::cli {

/// NAME.md, NAME.sarif and NAME.html from NAME.json.
int report_audit(const Context& context, const std::string& file);

struct HistoryOptions {
  std::string key;  // whose signatures must hold, or ""
  std::string out;  // where it is written, or ""
  std::string fail_if;
  int replicates = 2000;
};
/// Of the files after the first argument.
int audit_history(const Context& context, const HistoryOptions& options);

}  // namespace otoscope::cli
