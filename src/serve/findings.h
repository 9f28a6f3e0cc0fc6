#pragma once
/// The part of the report about what features mean and what they cause.

#include "otoscope/core/progress.h"
#include "serve/facts.h"
#include "serve/html.h"

namespace otoscope::serve {

bool has_findings(const RunFiles& run);
/// Pages that it links to, relative to the run: only those that are there.
std::vector<std::string> linked_pages(const RunFiles& run);
/// Categories of each SAE with cards of the described ones, then structure, steering and the
/// failure put right, as far as they lie in the run.
void write_findings(Html& html, const RunFiles& run, const std::vector<DescribedSae>& described,
                    const Document& facts, Progress& progress);

}  // namespace otoscope::serve
