#pragma once
/// A record for people and for tools, from the record alone: Markdown, SARIF 2.1.0 (OASIS), and
/// which reporting surfaces each field could feed.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace otoscope::audit {

/// Our own reading of where such a field is asked for; no conformity with any of them is claimed.
struct Surface {
  std::string field;  // of the record: "rate", "causal, circuit"
  std::string gives;  // what it says
  std::string feeds;  // sections of reports that ask for such a thing
};
const std::vector<Surface>& surfaces();
/// What stands above that table, wherever it is shown.
extern const char* const kSurfacesNote;

std::string markdown(const nlohmann::json& record);

/// One run with one rule (the failure mode), one result, the record's files as artifacts with their
/// hashes, and the circuit as a graph. kind: "fail" where cases were seen and an interval can be
/// given, "informational" where none was seen (which is not "pass": it was not excluded), "open"
/// where there is no interval. level: by the highest severity seen.
nlohmann::ordered_json sarif(const nlohmann::json& record);

}  // namespace otoscope::audit
