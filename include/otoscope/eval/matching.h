#pragma once
/// The assignment of rows to columns with the largest total (Kuhn 1955; shortest augmenting paths
/// with potentials, Jonker & Volgenant 1987). O(n^2 m) for n <= m.

#include <cstdint>
#include <vector>

#include "otoscope/core/tensor.h"

namespace otoscope::eval {

/// gain: (n, m). Returns for each row its column, -1 where n > m left it without one. Every column
/// is used at most once; min(n, m) rows are matched. NaN is an assert.
std::vector<int64_t> best_matching(View<const double> gain);

}  // namespace otoscope::eval
