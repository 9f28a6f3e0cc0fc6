#pragma once
/// What steering did: dose and response with its controls (docs/steer.md).

#include "serve/bound_number.h"
#include "serve/html.h"

namespace otoscope::serve {

/// Of one steer.json: of features, of a language, or of a phone.
void write_steering(Html& html, const Document& result);

}  // namespace otoscope::serve
