#pragma once
/// How much of a difference nuisances explain: what is left of it between items that are equally
/// loud, long, noisy, … (analysis of covariance). Unlike matching it uses all items, and pays with
/// an assumption: that a nuisance acts linearly, in both contexts alike. Where contexts share no
/// range of a nuisance, what is left is extrapolated.

#include <vector>

#include "otoscope/contexts/design.h"
#include "otoscope/contexts/tests.h"

namespace otoscope::contexts {

struct Explained {
  Estimate raw;    // mean of context 1 minus mean of context 0
  Estimate left;   // the coefficient of the context beside all nuisances
  Estimate share;  // left / raw, in the same draws: 1 where nuisances explain nothing
};

/// y = a + b [context 1] + sum_k c_k nuisance_k by least squares, for every column of y (n, m), in
/// units of the column's deviation. Nuisances (n, p) are standardised, constant ones left out; a
/// ridge of 1e-3 of an item's weight keeps twins (length and padding) apart. Groups resampled.
std::vector<Explained> explained_by(View<const float> nuisances, View<const float> y,
                                    const Design& design, const TestOptions& options = {});

}  // namespace otoscope::contexts
