#include "features/decompose/illustrate.h"

#include <algorithm>
#include <cmath>

#include "features/decompose/compare.h"
#include "features/decompose/parts.h"

namespace otoscope::features {
namespace {

constexpr double kLeastR2 = 0.2;  // the parts say something of the unit
constexpr size_t kLabels = 8;

std::vector<LabelShare> label_shares(const FiringLabels& firings,
                                     const std::vector<std::string>& values) {
  std::vector<double> counts(values.size(), 0);
  for (const int32_t label : firings.labels) counts[static_cast<size_t>(label)] += 1;
  std::vector<LabelShare> out;
  for (const size_t v : largest(counts, kLabels))
    if (counts[v] > 0) out.push_back({values[v], counts[v] / static_cast<double>(firings.count())});
  return out;
}

/// The parts that fire enough hear at least two things, and none of them pauses: such parts are
/// pure, but show nothing of what the unit hears.
bool parts_differ(const std::vector<FiringLabels>& parts, const Sides& sides) {
  std::vector<std::string> first;
  for (const FiringLabels& labels : parts)
    if (labels.count() >= sides.rule.least)
      first.push_back(label_shares(labels, sides.values)[0].label);
  if (std::find(first.begin(), first.end(), sides.values.back()) != first.end()) return false;
  std::sort(first.begin(), first.end());
  return std::unique(first.begin(), first.end()) - first.begin() >= 2;
}

/// Its parts explain it, differ in what they hear, and are the most purer than it; -1: none.
int64_t recommend(const UnitTable& table, const LearnedUnits& learned, const Sides& sides) {
  int64_t best = -1;
  double best_bits = -INFINITY;
  for (const UnitParts& one : table.units) {
    if (one.parts.size() < 2) continue;
    const std::vector<int64_t> features = features_of(one);
    const FewFit fit = fit_few(learned.moments, learned.postings, one.unit, features);
    if (score_few(fit, learned.moments, learned.postings, one.unit, features) < kLeastR2) continue;
    const std::vector<FiringLabels> theirs = part_labels(one, learned.postings, sides.learning);
    if (!parts_differ(theirs, sides)) continue;
    std::vector<int32_t> rows;
    for (int64_t b = 0; b < learned.signals.rows(); ++b)
      if (learned.signals.at(b, one.unit) > one.threshold) rows.push_back(static_cast<int32_t>(b));
    const FiringLabels mine = labels_under(rows, sides.learning.label, sides.learning.group);
    const double bits = compare_parts(one, mine, theirs, -1, sides.rule).more;
    if (std::isfinite(bits) && bits > best_bits) best_bits = bits, best = one.unit;
  }
  return best;
}

}  // namespace

std::optional<Illustration> illustrate(const UnitTable& table, const LearnedUnits& learned,
                                       const FiringRows& firing, const FeaturePostings& postings,
                                       const Sides& sides, int64_t only) {
  const int64_t unit = only >= 0 ? only : recommend(table, learned, sides);
  if (unit < 0) return std::nullopt;
  Illustration shown;
  shown.unit = unit, shown.chosen = only < 0;
  shown.parts = table.units[static_cast<size_t>(unit)];
  const FiringLabels mine =
      labels_under(firing[static_cast<size_t>(unit)], sides.test.label, sides.test.group);
  shown.firings = mine.count();
  shown.labels = label_shares(mine, sides.values);
  const std::vector<FiringLabels> theirs = part_labels(shown.parts, postings, sides.test);
  for (size_t i = 0; i < theirs.size(); ++i)
    shown.of_parts.push_back(
        {shown.parts.parts[i].feature, theirs[i].count(), label_shares(theirs[i], sides.values)});
  return shown;
}

}  // namespace otoscope::features
