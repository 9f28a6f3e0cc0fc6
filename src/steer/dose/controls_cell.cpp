#include "steer/dose/controls_cell.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "otoscope/core/text.h"

namespace otoscope::steer {

std::string controls_cell(const nlohmann::ordered_json& json, const nlohmann::ordered_json& arm,
                          const nlohmann::ordered_json& point, int digits) {
  std::string cell = "-";
  for (const auto& contest : json.at("contests")) {
    if (contest.at("arm") != arm.at("name") || contest.at("strength") != point.at("strength"))
      continue;
    std::vector<std::string> parts;
    for (const char* kind : {"random_features", "random_directions", "random_principal"})
      parts.push_back(
          contest.at(kind).is_null()
              ? "-"
              : fmt::format("{:.{}f}", contest.at(kind).at("p95").get<double>(), digits));
    cell = join(parts, " / ");
  }
  return cell;
}

}  // namespace otoscope::steer
