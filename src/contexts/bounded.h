#pragma once
#include <algorithm>

#include "otoscope/core/statistics/estimate.h"

namespace otoscope::contexts {

/// An AUROC's interval within [0, 1]; an interval that is not there stays so.
inline Estimate bounded(Estimate auroc) {
  auroc.low = std::max(auroc.low, 0.0);
  auroc.high = std::min(auroc.high, 1.0);
  return auroc;
}

}  // namespace otoscope::contexts
