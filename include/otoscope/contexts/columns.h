#pragma once
/// What gives a context away: one column at a time.

#include <cstdint>
#include <vector>

#include "otoscope/contexts/design.h"
#include "otoscope/contexts/tests.h"

namespace otoscope::contexts {

struct ColumnDifference {
  int64_t column = 0;
  Estimate difference;      // mean of context 1 minus mean of context 0, groups resampled
  double first = 0;         // mean in context 0
  double standardised = 0;  // difference in units of the column's deviation over all items
  double auroc = .5;        // of the column alone
  double z = 0;             // difference in units of its deviation under permutation
  double p = 1, q = 1;      // normal with the permutations' moments; Benjamini-Hochberg
  double p_family = 1;      // by the largest |z| of any column: all columns at once
};

/// Columns in descending order of |z|, with intervals for the first `intervals`. Constant columns
/// are left out. A normal tail is used because q over thousands of columns needs p far below
/// 1 / permutations; p is never given below what the number of arrangements allows.
std::vector<ColumnDifference> column_differences(View<const float> x, const Design& design,
                                                 const TestOptions& options = {},
                                                 int64_t intervals = 20);

}  // namespace otoscope::contexts
