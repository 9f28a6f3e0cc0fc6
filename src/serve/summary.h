#pragma once
/// What stands before and after the findings: what was done, on what, and what it cannot say.

#include "serve/facts.h"
#include "serve/html.h"

namespace otoscope::serve {

void write_summary(Html& html, const RunFiles& run, const Document& facts);
void write_data(Html& html, const RunFiles& run);
void write_limits(Html& html, const RunFiles& run);

}  // namespace otoscope::serve
