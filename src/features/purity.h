#pragma once
/// Labels under firings, by group of clusters, compared at equal counts.

#include <cstdint>
#include <span>
#include <vector>

namespace otoscope::features {

/// The labels under a unit's firings; rows without a label are left out.
struct FiringLabels {
  std::vector<int32_t> labels, groups;

  int64_t count() const { return static_cast<int64_t>(labels.size()); }
  /// Without those of one group; -1: all.
  std::vector<int32_t> without(int32_t group) const;
};

/// label, group: of each row; label -1 is left out. rows ascend.
FiringLabels labels_under(std::span<const int32_t> rows, std::span<const int32_t> label,
                          std::span<const int32_t> group);

/// A group below `groups` for each cluster, by a random order; so that leaving one out is leaving
/// out a random share of the clusters.
std::vector<int32_t> cluster_groups(int64_t clusters, int64_t groups, uint64_t seed);

/// Bits of a unit's labels and of a part's, at the count that both have (at most `most`); n = 0
/// where that is below `least`.
struct EqualCounts {
  int64_t n = 0;
  double unit_bits = 0, part_bits = 0;
};
struct EqualCountRule {
  int64_t values = 0, least = 30, most = 200;
  int draws = 4;
  uint64_t seed = 0;
};
EqualCounts compare_purity(std::span<const int32_t> unit, std::span<const int32_t> part,
                           const EqualCountRule& rule, uint64_t stream);

}  // namespace otoscope::features
