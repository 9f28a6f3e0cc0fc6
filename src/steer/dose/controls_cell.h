#pragma once
/// What both tables of steer.json say of an arm's controls.

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace otoscope::steer {

/// "0.32 / 0.34 / -": 95 % quantiles of the controls' effects at a point of an arm, features,
/// directions and principal directions; "-" where there was no contest.
std::string controls_cell(const nlohmann::ordered_json& json, const nlohmann::ordered_json& arm,
                          const nlohmann::ordered_json& point, int digits);

}  // namespace otoscope::steer
