#pragma once
/// The features of one SAE as cards: numbers, language bars, and examples to see and hear.

#include "otoscope/core/progress.h"
#include "serve/facts.h"
#include "serve/html.h"

namespace otoscope::serve {

/// One card; `pointer`: of the feature in `facts`. Folded it shows its name and why it was chosen.
void write_feature_card(Html& html, const DescribedSae& sae, const ChosenFeature& feature,
                        const Document& facts, const std::string& pointer, bool open,
                        Progress& progress);

/// `index`: the SAE's place in report.json's "saes".
void write_feature_cards(Html& html, const DescribedSae& sae, const Document& facts, size_t index,
                         Progress& progress);

}  // namespace otoscope::serve
