#pragma once
/// Conditions that are fixed before the numbers are seen.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace otoscope::audit {

struct Check {
  std::string name;
  bool passed = false;
  std::string says;  // the numbers that it was decided on
};

nlohmann::ordered_json to_json(const std::vector<Check>& checks);
/// False where there are none.
bool all_passed(const std::vector<Check>& checks);

}  // namespace otoscope::audit
