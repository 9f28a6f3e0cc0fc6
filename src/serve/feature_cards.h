#pragma once
/// The features of one SAE as cards: numbers, language bars, and examples to see and hear.

#include "otoscope/core/progress.h"
#include "serve/facts.h"
#include "serve/html.h"

namespace otoscope::serve {

/// `index`: the SAE's place in report.json's "saes". Returns the number of examples shown.
int64_t write_feature_cards(Html& html, const DescribedSae& sae, const Document& facts,
                            size_t index, Progress& progress);

}  // namespace otoscope::serve
