#include "features/decompose/sides.h"

#include <algorithm>

#include "otoscope/core/errors.h"

namespace otoscope::features {
namespace {

constexpr int64_t kGroups = 19;

SideRows side(const store::Store& store, const OneLabel& one, const DecomposeOptions& options,
              ChosenRows rows, const std::string& name) {
  if (rows.rows.empty())
    throw UserError(store.path().string(), "expected " + name + " rows, got none",
                    "extract the store without --split");
  SideRows out;
  const auto clusters = static_cast<int64_t>(rows.clusters.size());
  out.groups = std::min(kGroups, clusters);
  const std::vector<int32_t> of_cluster = cluster_groups(clusters, out.groups, options.seed);
  for (size_t r = 0; r < rows.rows.size(); ++r) {
    out.label.push_back(one.of_row[static_cast<size_t>(rows.rows[r])]);
    out.group.push_back(of_cluster[static_cast<size_t>(rows.cluster[r])]);
  }
  if (std::all_of(out.label.begin(), out.label.end(), [](int32_t l) { return l < 0; }))
    throw UserError("--labels",
                    "expected labels of " + options.kind + " on " + name + " rows, got none",
                    "make labels of the manifest that the store was extracted from");
  out.chosen = std::move(rows);
  return out;
}

}  // namespace

Sides make_sides(const store::Store& store, const std::vector<audio::ClipLabels>& labels,
                 const DecomposeOptions& options) {
  OneLabel one = one_label(store, labels, options.kind, true);
  Sides sides;
  sides.learning =
      side(store, one, options, choose_learning_rows(store, options.learning_rows), "train or dev");
  sides.test = side(store, one, options, choose_rows(store, store::Split::test), "test");
  sides.rule.values = static_cast<int64_t>(one.values.size());
  sides.rule.least = options.least_firings;
  sides.rule.most = std::max(options.most_firings, options.least_firings);
  sides.rule.draws = options.draws;
  sides.rule.seed = options.seed;
  sides.values = std::move(one.values);
  return sides;
}

}  // namespace otoscope::features
