#pragma once
/// The part of the report about what features mean and what they cause.

#include "serve/html.h"
#include "serve/run_files.h"

namespace otoscope::serve {

bool has_findings(const RunFiles& run);
/// Categories of each SAE, then structure, steering and the failure put right, as far as they lie
/// in the run.
void write_findings(Html& html, const RunFiles& run);

}  // namespace otoscope::serve
