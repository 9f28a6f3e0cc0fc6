#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "otoscope/io/json.h"
#include "otoscope/steer/crosslingual.h"
#include "steer/dose/controls_cell.h"

namespace otoscope::steer {

using io::OrderedJson;

std::vector<std::vector<std::string>> language_table(const OrderedJson& json) {
  const auto value = [](const OrderedJson& estimate) {
    return estimate.at("value").is_null()
               ? std::string("-")
               : fmt::format("{:.3f}", estimate.at("value").get<double>());
  };
  const auto interval = [&](const OrderedJson& e) {
    return e.at("low").is_null()
               ? value(e)
               : fmt::format("{} [{:.2f}, {:.2f}]", value(e), e.at("low").get<double>(),
                             e.at("high").get<double>());
  };
  std::vector<std::vector<std::string>> rows{{"arm", "strength", "dose",
                                              json.at("target").get<std::string>(), "P(token)",
                                              "overlap (chance)", "WER", "empty", "random 95 %"}};
  for (const OrderedJson& arm : json.at("arms")) {
    const std::string role = arm.at("role");
    if (role != "tested" && role != "rival") continue;
    for (const OrderedJson& p : arm.at("points")) {
      rows.push_back(
          {arm.at("name"), fmt::format("{:g}", p.at("strength").get<double>()),
           fmt::format("{:.2f}", p.at("dose").get<double>()), interval(p.at("target")),
           value(p.at("toward_probability")),
           value(p.at("meaning").at("overlap")) + " (" + value(p.at("meaning").at("chance")) + ")",
           value(p.at("wer")), value(p.at("empty")), controls_cell(json, arm, p, 2)});
    }
  }
  return rows;
}

}  // namespace otoscope::steer
