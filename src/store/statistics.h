#pragma once
/// What an SAE wants to know of its data before it starts: gathered in a fixed order, so that the
/// bits depend on the rows alone.

#include <span>

#include "otoscope/store/store.h"
#include "store/row_source.h"

namespace otoscope::store {

/// Over the rows of items in the train split, or over all rows where there are none. Geometric
/// median by Weiszfeld (methods.md §2.1) on the first 32768 of them.
Statistics gather_statistics(const RowSource& rows, const std::vector<Item>& items);

/// argmin_y sum ||x_i - y||: at most 100 steps, until y moves by less than 1e-5 of its norm.
/// x: (n, d), n > 0.
std::vector<float> geometric_median(View<const float> x);

}  // namespace otoscope::store
