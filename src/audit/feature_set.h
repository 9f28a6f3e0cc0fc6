#pragma once
/// Features that foretell a failure: chosen on train, sized on dev, and sets that are like them.

#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/audit/score.h"
#include "otoscope/core/rng.h"
#include "otoscope/steer/listen.h"

namespace otoscope::audit {

/// Rows of what was listened to, with yes or no and the cluster.
struct Labelled {
  std::vector<int64_t> rows;
  std::vector<uint8_t> positive;
  std::vector<std::string> cluster;
  int64_t positives() const;
  int64_t negatives() const { return static_cast<int64_t>(rows.size()) - positives(); }
};

struct FeatureSet {
  size_t sae = 0;
  steer::Pool pool = steer::Pool::mean;
  steer::FeatureDetector detector;
  double dev_auroc = -1;
  const std::vector<int32_t>& features() const { return detector.features; }
};

View<const float> pooled_of(const steer::Listened& all, size_t sae, steer::Pool pool);
std::vector<double> scores_of(const FeatureSet& set, const steer::Listened& all,
                              std::span<const int64_t> rows);

/// Of these SAEs, both pools and 1 to `most` features, the fewest whose AUROC on dev is within .002
/// of the best of their SAE and pool; then the best of these.
FeatureSet choose_set(const steer::Listened& all, std::span<const size_t> saes,
                      const Labelled& train, const Labelled& dev, size_t most);

/// These features of an SAE with weights fitted on train, ridge and pool the best of a few on dev.
FeatureSet fitted_set(const steer::Listened& all, size_t sae, const std::vector<int32_t>& features,
                      const Labelled& train, const Labelled& dev);

/// `count` sets of as many other live features, the nearest to each in log mean level over all
/// rows; no feature twice in a set.
std::vector<std::vector<int32_t>> like_sets(const steer::Listened& all, const FeatureSet& set,
                                            size_t count);

/// Rows of whole clusters drawn with replacement.
Labelled resampled(const Labelled& labelled, Rng& rng);

}  // namespace otoscope::audit
