#pragma once
/// How few columns carry a difference: the classifier with the k best columns alone, and without
/// them.

#include <span>
#include <vector>

#include "otoscope/contexts/design.h"
#include "otoscope/contexts/tests.h"

namespace otoscope::contexts {

struct Carried {
  int64_t columns = 0;  // k
  Estimate alone;       // held-out AUROC of these
  Estimate without;     // and of all others
};

/// The k columns with the largest standardised difference are chosen anew in every fold, on its
/// training items: what is chosen has not seen what it is scored on. A k of all columns or more is
/// left out.
std::vector<Carried> carried_by(View<const float> x, const Design& design,
                                std::span<const int64_t> ks, const TestOptions& options = {});

}  // namespace otoscope::contexts
