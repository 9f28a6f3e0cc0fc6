#pragma once
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/labels/make_labels.h"

namespace otoscope::labels {

/// The inverse of to_json. Broken: UserError.
LabelSummary summary_of(const nlohmann::json& json, std::string_view where);

}  // namespace otoscope::labels
