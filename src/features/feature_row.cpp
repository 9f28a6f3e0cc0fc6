#include "features/feature_row.h"

#include <algorithm>
#include <cmath>

namespace otoscope::features {
namespace {

constexpr double kDense = 0.1;
// An association in this first form: most of the firings, three times as often as chance, on enough
// evidence (methods.md §4.5, with clusters of prompts where a corpus has few speakers).
constexpr double kMostFirings = 0.5, kLift = 3.0, kLoudnessZ = 1.0;
constexpr int64_t kEvents = 20, kClusters = 10;

/// Correlation ratio of firing on the place in the window: 0 = the same rate everywhere, 1 =
/// position decides.
double position_eta(const Tally& tally, int64_t F, int64_t feature) {
  const auto n = static_cast<double>(tally.rows);
  const double rate = static_cast<double>(tally.fired[static_cast<size_t>(feature)]) / n;
  const double variance = rate * (1 - rate);
  if (variance <= 0) return 0;
  double between = 0;
  for (int64_t bin = 0; bin < tally.position_bins; ++bin) {
    const auto rows = static_cast<double>(tally.position_rows[static_cast<size_t>(bin)]);
    if (rows == 0) continue;
    const double here = tally.position_fired[static_cast<size_t>(bin * F + feature)] / rows;
    between += rows / n * (here - rate) * (here - rate);
  }
  return std::sqrt(between / variance);
}

void fill_language(const Description& d, size_t f, FeatureRow& row) {
  const Tally& tally = d.evidence.tally;
  for (size_t l = 0; l < tally.languages.size(); ++l) {
    const double base = static_cast<double>(std::max<int64_t>(1, tally.language_rows[l])) /
                        static_cast<double>(tally.rows);
    const double lift = d.language_share[l][f].value / base;
    if (row.language_lift && lift <= *row.language_lift) continue;
    row.language = tally.languages[l];
    row.language_share = d.language_share[l][f];
    row.language_lift = lift;
  }
}

std::string state_of(const FeatureRow& row) {
  if (row.fired == 0) return "dead";
  if (row.rate.value > kDense) return "dense";
  if (!row.shift) return "unmeasured";
  return row.shift->value < kPositionBound ? "position-bound" : "alive";
}

std::string association_of(const FeatureRow& row) {
  if (row.state == "dead" || row.state == "position-bound") return {};
  if (row.fired < kEvents || row.clusters < kClusters) return {};
  if (row.silent_share.value_or(0) >= kMostFirings && row.silent_lift.value_or(0) >= kLift)
    return "silence";
  if (row.language_share && row.language_share->low >= kMostFirings && *row.language_lift >= kLift)
    return row.language;
  if (row.loudness_z.value_or(0) >= kLoudnessZ) return "loud";
  if (row.loudness_z.value_or(0) <= -kLoudnessZ) return "quiet";
  return {};
}

}  // namespace

FeatureRow feature_row(const Description& d, int64_t feature) {
  const Tally& tally = d.evidence.tally;
  const auto f = static_cast<size_t>(feature);
  FeatureRow row;
  row.fired = tally.fired[f];
  row.rate = d.rate[f];
  for (size_t c = 0; c < tally.clusters.size(); ++c)
    if (tally.cluster_fired[c * static_cast<size_t>(d.sae.F()) + f] > 0) ++row.clusters;
  if (d.shift != nullptr && d.shift->share[f].n > 0) row.shift = d.shift->share[f];
  if (row.fired > 0) {
    const auto fired = static_cast<double>(row.fired);
    row.mean_value = tally.value_sum[f] / fired;
    row.max_value = tally.value_max[f];
    row.items = tally.items_fired[f];
    row.largest_item_share = static_cast<double>(tally.largest_item[f]) / fired;
    row.position_eta = position_eta(tally, d.sae.F(), feature);
    if (tally.silent_rows > 0) {
      row.silent_share = static_cast<double>(tally.silent_fired[f]) / fired;
      row.silent_lift = *row.silent_share * static_cast<double>(tally.rows) /
                        static_cast<double>(tally.silent_rows);
    }
    if (tally.loudness_count[f] > 0 && tally.loudness_variance > 0) {
      row.loudness_db = tally.loudness_sum[f] / static_cast<double>(tally.loudness_count[f]);
      row.loudness_z =
          (*row.loudness_db - tally.loudness_mean) / std::sqrt(tally.loudness_variance);
    }
    fill_language(d, f, row);
  }
  row.state = state_of(row);
  row.association = association_of(row);
  return row;
}

}  // namespace otoscope::features
