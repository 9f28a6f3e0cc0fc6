#pragma once
/// An audit record as a page for people: NAME.html beside NAME.json, with every number bound to it.

#include <filesystem>

#include "otoscope/core/progress.h"

namespace otoscope::serve {

struct AuditPage {
  std::filesystem::path path;
  int64_t bytes = 0, numbers = 0, sounds = 0;
};

/// record: NAME.json. Cases to hear come from NAME.cases.jsonl where it is there. UserError for
/// what is no audit record of version 1; a number that does not equal the record stops the writing.
AuditPage write_audit_page(const std::filesystem::path& record, Progress& progress);

}  // namespace otoscope::serve
