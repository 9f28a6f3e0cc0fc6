#include "audit/checks.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace otoscope::audit {

nlohmann::ordered_json to_json(const std::vector<Check>& checks) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Check& check : checks)
    json.push_back({{"name", check.name}, {"passed", check.passed}, {"says", check.says}});
  return json;
}

bool all_passed(const std::vector<Check>& checks) {
  return !checks.empty() &&
         std::all_of(checks.begin(), checks.end(), [](const Check& c) { return c.passed; });
}

}  // namespace otoscope::audit
