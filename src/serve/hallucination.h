#pragma once
/// Text where nobody speaks: how often, what foretells it, what stops it and at which cost.

#include "otoscope/core/progress.h"
#include "serve/bound_number.h"
#include "serve/html.h"

namespace otoscope::serve {

/// Of one suppress.json (docs/steer.md).
void write_hallucination(Html& html, const Document& result, Progress& progress);

}  // namespace otoscope::serve
