#pragma once
/// Holds a report against the JSON that its numbers name.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace otoscope::serve {

struct ReportCheck {
  int64_t numbers = 0;  // <data> elements compared
  std::vector<std::string>
      problems;  // one line each: differing values, missing files, bare numerals in a table cell
};

/// folder: what the data-file attributes are relative to.
ReportCheck check_report(std::string_view html, const std::filesystem::path& folder);

}  // namespace otoscope::serve
