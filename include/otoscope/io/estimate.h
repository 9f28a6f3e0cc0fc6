#pragma once
/// A number with its uncertainty as JSON.

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "otoscope/core/statistics/estimate.h"

namespace otoscope::io {

/// {"value","low","high","n","clusters","method"}; what is not finite becomes null.
nlohmann::ordered_json to_json(const Estimate& estimate);

/// An estimate's JSON for a table: "0.081 [0.078, 0.085]", without brackets where it has no
/// interval, "-" where it has no value.
std::string with_interval(const nlohmann::ordered_json& estimate, int digits);

}  // namespace otoscope::io
