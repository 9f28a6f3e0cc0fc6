#pragma once
/// What attribution needs of a clip: its sound, what the decoder is given, and the number asked.

#include <span>
#include <vector>

#include "audit/circuit.h"

namespace otoscope::audit {

/// Of the windows at `rows` that the question can be asked of (a reference that is too long for
/// the decoder is left out). Not Asked::nothing.
std::vector<circuits::AttributionClip> circuit_clips(const Gathered& gathered,
                                                     std::span<const int64_t> rows,
                                                     const FailureMode& mode,
                                                     const Laboratory& lab);

}  // namespace otoscope::audit
