#pragma once
/// What the table `features` says of one feature, computed in one place.

#include <cstdint>
#include <optional>
#include <string>

#include "features/database.h"

namespace otoscope::features {

struct FeatureRow {
  /// "dead", "dense" (fires on over 10 % of rows), "position-bound", "unmeasured" (no shift test)
  /// or "alive".
  std::string state;
  /// What its firings go with, by rule, where anything passes: "silence", "loud", "quiet", or a
  /// language.
  std::string association;
  int64_t fired = 0, clusters = 0, items = 0;
  Estimate rate;
  std::optional<double> mean_value, max_value, largest_item_share;
  std::optional<double> silent_share, silent_lift, loudness_db, loudness_z, position_eta;
  std::string language;
  std::optional<Estimate> language_share;
  std::optional<double> language_lift;
  std::optional<Estimate> shift;
};

FeatureRow feature_row(const Description& description, int64_t feature);

}  // namespace otoscope::features
