#pragma once
/// What every comparison stands beside: a split that must not be found, a shift that must be; and
/// what single columns say.

#include "otoscope/contexts/compare.h"
#include "otoscope/contexts/design.h"
#include "otoscope/contexts/tests.h"
#include "otoscope/io/json.h"

namespace otoscope::contexts {

/// The first context against itself: halves of its groups.
io::OrderedJson negative_control(View<const float> table, const Design& design,
                                 const std::string& first, const TestOptions& options);
/// The first items of the first context against themselves, changed: pairs. changed: (m, p).
io::OrderedJson positive_control(View<const float> table, View<const float> changed,
                                 const Design& design, std::span<const Step> steps,
                                 const std::string& first, const TestOptions& options);

/// Features by their mean over rows: which differ, what of it is left at equal nuisances, and the
/// share of rows on which they fire.
io::OrderedJson features_json(const Comparison& c, const TestOptions& options, int shown);
io::OrderedJson nuisances_json(const Comparison& c, const TestOptions& options);

}  // namespace otoscope::contexts
