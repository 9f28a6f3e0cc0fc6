#pragma once

#include <nlohmann/json_fwd.hpp>

#include "otoscope/audit/rate.h"

namespace otoscope::audit {

nlohmann::ordered_json to_json(const Rate& rate);
/// wer_bound: 0 = none.
nlohmann::ordered_json to_json(const Groups& groups, double wer_bound);

}  // namespace otoscope::audit
