#pragma once
/// The reader behind read_columns(), for fuzzing.

#include <string_view>
#include <vector>

#include "otoscope/features/meaning.h"

namespace otoscope::features {

/// The text of a categories.json. UserError for anything else.
std::vector<Column> parse_columns(std::string_view text, std::string_view where);

}  // namespace otoscope::features
