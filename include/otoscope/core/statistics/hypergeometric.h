#pragma once
/// Exact tests of how often two things meet, given how often each occurs.

#include <cstdint>
#include <span>

namespace otoscope {

/// Draws without replacement: `drawn` of `total`, of which `marked` are marked; `hits` of the drawn
/// are.
struct Overlap {
  int64_t total = 0, marked = 0, drawn = 0, hits = 0;
};

/// P(at least as many hits over all strata | the margins of each): one-sided Fisher; with several
/// strata the sum of hits under independent hypergeometrics (Mantel's exact conditional test).
/// 1 where there is nothing to meet. Margins that contradict each other are an assert.
double overlap_p(std::span<const Overlap> strata);

}  // namespace otoscope
