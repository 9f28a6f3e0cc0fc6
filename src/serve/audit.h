#pragma once
/// An audit record's sections: the statement, the rate, what foretells the failure, what takes it
/// away, the circuit, and what was not tested.

#include "serve/bound_number.h"
#include "serve/html.h"

namespace otoscope::serve {

/// The statement with its tests, for a run's report; `page` is the record's own page, relative to
/// the report, or "".
void write_audit_summary(Html& html, const Document& record, const std::string& page);

/// All of it.
void write_audit(Html& html, const Document& record);

}  // namespace otoscope::serve
