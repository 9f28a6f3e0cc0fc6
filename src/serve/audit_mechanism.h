#pragma once
/// The two columns of an audit's mechanism, and its circuit.

#include "serve/bound_number.h"
#include "serve/html.h"

namespace otoscope::serve {

/// A list of conditions with what they were decided on.
void write_tests(Html& html, const io::Json& tests);

/// Nothing in a record of version 1, which has no such part.
void write_search(Html& html, const Document& record);
void write_predictive(Html& html, const Document& record);
void write_causal(Html& html, const Document& record);
void write_circuit(Html& html, const Document& record);

}  // namespace otoscope::serve
