#pragma once
/// The units that strengths are given in (methods.md §5.1), measured on the training rows of a
/// store.

#include <cstdint>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/sae/sae.h"
#include "otoscope/store/store.h"

namespace otoscope::steer {

struct Scales {
  int64_t rows = 0;
  double median_norm = 0;  // of ||x||, raw units
  // Per feature (F); empty without an SAE.
  std::vector<float> p99;    // 99th percentile of the positive f_j; 0 where it never fired
  std::vector<float> mean;   // of f_j over all rows
  std::vector<float> rate;   // share of rows with f_j > 0
  std::vector<float> norms;  // ||d_j|| as the SAE decodes it
  /// One a feature of `features`.
  std::vector<float> p99_of(const std::vector<int32_t>& features) const;
};

/// At most `most` rows of the split, evenly spread. UserError where the split has no rows, or the
/// SAE has another width.
Scales measure_scales(const sae::Sae* sae, const store::Store& store,
                      store::Split split = store::Split::train, int64_t most = 32768,
                      Progress& progress = silent_progress());

/// `count` features other than `target`'s that are most like them: each in turn the nearest in
/// log rate, log mean active code and decoder norm, each over its spread among live features; fewer
/// where there are not as many live ones. Matched to the geometric mean of several targets.
std::vector<int32_t> matched_features(const Scales& scales, const std::vector<int32_t>& target,
                                      int count);

}  // namespace otoscope::steer
