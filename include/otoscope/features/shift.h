#pragma once
/// The shift test (methods.md §0): position is a confound, so a feature is believed only as far as
/// it fires on the same sound at another place in the window.

#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/core/statistics.h"
#include "otoscope/sae/sae.h"
#include "otoscope/store/store.h"

namespace otoscope::features {

struct ShiftResult {
  /// Per feature: share of its firings in the base store that are there at the shifted places too;
  /// n is the number of firings compared (over all shifts), low and high a cluster-bootstrap
  /// interval.
  std::vector<Estimate> share;
  int64_t items = 0, clusters = 0, shifts = 0;
};

/// base and shifted hold the same items at other offsets in their windows; items are matched by id,
/// rows by frame. UserError if a shifted store lacks an item or has another width.
ShiftResult shift_test(const sae::Sae& sae, const store::Store& base,
                       std::span<const store::Store> shifted, uint64_t seed, Progress& progress);

/// Below this share a feature is position-bound and counts for no other category.
inline constexpr double kPositionBound = 0.5;

}  // namespace otoscope::features
