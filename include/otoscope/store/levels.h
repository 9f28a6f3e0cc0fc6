#pragma once
/// How loud every row of a store is, from the audio that its items name.

#include <cstdint>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/store/store.h"

namespace otoscope::store {

/// One value per row of the store; both empty where rows are not frames.
struct RowLevels {
  /// Level of the 20 ms around the row, dB relative to full scale; NaN where there is no audio.
  std::vector<float> db;
  /// 1 for rows that are silence: 35 dB under the loudest of their item (audio/level.h).
  std::vector<uint8_t> silent;
};

/// Of the items of one split; rows of others, and of items whose audio is gone, get NaN.
RowLevels row_levels(const Store& store, Split split, Progress& progress);

/// The rows of a split that are speech: of items with speech, neither silence nor without audio.
/// Ascending positions in rows_of(split), not row numbers.
std::vector<int64_t> speech_among(const Store& store, Split split, Progress& progress);

}  // namespace otoscope::store
