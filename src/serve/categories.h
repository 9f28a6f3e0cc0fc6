#pragma once
/// How many features pass the tests of each category, beside the controls through the same tests.

#include "serve/bound_number.h"
#include "serve/html.h"

namespace otoscope::serve {

/// Of one SAE's categories.json (docs/features.md).
void write_categories(Html& html, const Document& categories, const std::string& title);

}  // namespace otoscope::serve
