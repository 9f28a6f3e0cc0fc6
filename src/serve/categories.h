#pragma once
/// How many features pass the tests of each category, beside the controls through the same tests,
/// and the strongest of each to see and hear.

#include "otoscope/core/progress.h"
#include "serve/facts.h"
#include "serve/html.h"

namespace otoscope::serve {

/// Of an SAE with a categories.json (docs/features.md). described: nullptr where it has no
/// database; index: its place in report.json's "saes".
void write_categories(Html& html, const SaeFiles& files, const DescribedSae* described,
                      const Document& facts, size_t index, Progress& progress);

}  // namespace otoscope::serve
