#pragma once
/// Which features go with what is said, whatever the language.

#include "otoscope/features/crosslingual.h"

namespace otoscope::features {

/// x: (items, F), a number per clip and feature. Correlation over all pairs of translations of the
/// numbers minus their language's mean (intraclass: at most 1); p by exchanging the clips of each
/// language among prompts of like length.
Translations follow_translations(View<const float> x, const ParallelClips& clips, int permutations,
                                 uint64_t seed);

}  // namespace otoscope::features
