#pragma once
/// Stores that are read side by side: transcoders and crosscoders need row i of one to be row i of
/// the other.

#include "otoscope/store/store.h"

namespace otoscope::store {

/// UserError(where, ...) names the first difference in items, splits or origins of rows. Files from
/// elsewhere that say nothing of their rows are equal where they have as many.
void check_same_rows(const Store& a, const Store& b, const std::string& where);

}  // namespace otoscope::store
