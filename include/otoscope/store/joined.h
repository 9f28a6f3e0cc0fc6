#pragma once
/// Several corpora as one, for what needs more rows than one has (dictionaries of the decoder).

#include <vector>

#include "otoscope/store/manifest.h"

namespace otoscope::store {

/// The clips of all parts in order, with splits: each part's own rule, but a prompt that an earlier
/// part holds keeps the split it has there, so that no text is trained on in one corpus and tested
/// on in another. One part: itself, with its splits. UserError where two clips share an id.
Manifest join(std::vector<Manifest> parts);

}  // namespace otoscope::store
