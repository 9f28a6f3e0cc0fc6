#pragma once
#include <string_view>

#include "labels/draft.h"

namespace otoscope::labels {

/// Counts what the drafts hold, and writes labels.jsonl and summary.json. inputs: what they were
/// made of, compared by the next call.
void write_labels(Making& making, std::string_view inputs);

}  // namespace otoscope::labels
