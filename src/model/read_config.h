#pragma once
/// The reader behind read_hugging_face(), for fuzzing.

#include <string_view>

#include "otoscope/model/config.h"

namespace otoscope::model {

/// Hugging Face's config.json: heads, which no tensor tells, are taken from it; all else must equal
/// what the tensors say.
void read_config(std::string_view text, std::string_view where, Dims& dims);

}  // namespace otoscope::model
