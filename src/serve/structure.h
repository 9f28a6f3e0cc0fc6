#pragma once
/// What the features of an SAE are as a whole: found again by other seeds, shared between
/// languages, purer than neurons.

#include "serve/bound_number.h"
#include "serve/html.h"

namespace otoscope::serve {

/// Each takes its own JSON (docs/structure.md).
void write_stability(Html& html, const Document& result);
void write_crosslingual(Html& html, const Document& result);
void write_decomposition(Html& html, const Document& result);

}  // namespace otoscope::serve
