#pragma once
/// A number with its uncertainty as JSON.

#include <nlohmann/json_fwd.hpp>

#include "otoscope/core/statistics/estimate.h"

namespace otoscope::io {

/// {"value","low","high","n","clusters","method"}; what is not finite becomes null.
nlohmann::ordered_json to_json(const Estimate& estimate);

}  // namespace otoscope::io
