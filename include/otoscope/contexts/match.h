#pragma once
/// Matching on nuisances (methods.md §8.2.2): what is left once both contexts are equally loud,
/// long, noisy, …

#include <cstdint>
#include <vector>

#include "otoscope/contexts/design.h"
#include "otoscope/core/tensor.h"

namespace otoscope::contexts {

/// Places of items, one of each context a pair, pairs one after the other: each item of the smaller
/// context takes the nearest free one of the other whose every nuisance is within `caliper`
/// deviations (over all items); the closest pairs first. nuisances: (n, p). Blind to what is
/// tested.
std::vector<int64_t> matched_pairs(View<const float> nuisances, const Design& design,
                                   double caliper = .25);

}  // namespace otoscope::contexts
