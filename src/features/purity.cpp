#include "features/purity.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/rng.h"
#include "otoscope/features/entropy.h"

namespace otoscope::features {

std::vector<int32_t> FiringLabels::without(int32_t group) const {
  if (group < 0) return labels;
  std::vector<int32_t> kept;
  for (size_t i = 0; i < labels.size(); ++i)
    if (groups[i] != group) kept.push_back(labels[i]);
  return kept;
}

FiringLabels labels_under(std::span<const int32_t> rows, std::span<const int32_t> label,
                          std::span<const int32_t> group) {
  FiringLabels out;
  for (const int32_t row : rows) {
    const auto r = static_cast<size_t>(row);
    if (label[r] < 0) continue;
    out.labels.push_back(label[r]);
    out.groups.push_back(group[r]);
  }
  return out;
}

std::vector<int32_t> cluster_groups(int64_t clusters, int64_t groups, uint64_t seed) {
  Rng rng(seed, "groups of clusters");
  std::vector<int32_t> out;
  for (const int64_t place : rng.permutation(clusters))
    out.push_back(static_cast<int32_t>(place % std::max<int64_t>(1, groups)));
  return out;
}

EqualCounts compare_purity(std::span<const int32_t> unit, std::span<const int32_t> part,
                           const EqualCountRule& rule, uint64_t stream) {
  const int64_t n =
      std::min({static_cast<int64_t>(unit.size()), static_cast<int64_t>(part.size()), rule.most});
  if (n < rule.least) return {};
  return {n, std::log2(senses_at(unit, rule.values, n, rule.draws, rule.seed, 2 * stream)),
          std::log2(senses_at(part, rule.values, n, rule.draws, rule.seed, 2 * stream + 1))};
}

}  // namespace otoscope::features
