#pragma once
/// Sounds on which text appears, to hear, with what the model wrote and what it writes with the
/// recipe.

#include "otoscope/core/progress.h"
#include "serve/bound_number.h"
#include "serve/html.h"

namespace otoscope::serve {

/// Of one suppress.json; nothing where it was made without its windows.
void write_heard_sounds(Html& html, const Document& result, Progress& progress);

}  // namespace otoscope::serve
