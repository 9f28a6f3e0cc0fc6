#pragma once
/// Does training find the features that are known to be there (arXiv:2602.14687)?

#include <cstdint>

#include "otoscope/eval/synthetic.h"
#include "otoscope/sae/sae.h"

namespace otoscope::eval {

struct Recovery {
  int64_t rows = 0;
  double mcc = 0;         // mean |cos| of Hungarian-matched pairs of learned and true directions
  double uniqueness = 0;  // distinct nearest true features / learned features
  /// "Feature fires" against "its matched true feature is active": means over learned features.
  double precision = 0, recall = 0, f1 = 0;
  double ev = 0;  // 1 - FVU
  double l0 = 0;
};

/// On `rows` fresh rows. A feature that never fires has precision and F1 0.
Recovery measure_recovery(const sae::Sae& sae, const Synthetic& truth, int64_t rows,
                          uint64_t seed = 0);

}  // namespace otoscope::eval
