#include "features/decompose/compare.h"

#include <atomic>
#include <cmath>
#include <limits>

#include "otoscope/core/interrupt.h"
#include "otoscope/core/statistics.h"
#include "otoscope/core/threads.h"

namespace otoscope::features {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

/// Of every unit: more[g] with group g - 1 of the clusters left out, more[0] with none.
struct AllBits {
  std::vector<std::vector<double>> more;
  std::vector<double> unit, part;  // with none left out
};

void keep_parts(const std::vector<EqualCounts>& counts, UnitParts& unit) {
  for (size_t i = 0; i < counts.size(); ++i) {
    const EqualCounts& c = counts[i];
    if (c.n == 0) continue;
    Part& part = unit.parts[i];
    part.n = c.n, part.senses = std::exp2(c.part_bits), part.unit_senses = std::exp2(c.unit_bits);
  }
}

AllBits all_bits(const FiringRows& firing, const FeaturePostings& postings, const Sides& sides,
                 UnitTable& table, Progress& progress) {
  const SideRows& test = sides.test;
  const size_t units = table.units.size();
  AllBits bits;
  bits.more.assign(static_cast<size_t>(test.groups + 1), std::vector<double>(units));
  bits.unit.assign(units, 0), bits.part.assign(units, 0);
  progress.start("compare " + table.name + " of " + table.of, static_cast<int64_t>(units), "units");
  std::atomic<int64_t> done = 0;
  parallel_ranges(static_cast<int64_t>(units), 16, [&](int64_t begin, int64_t end) {
    for (int64_t u = begin; u < end; ++u) {
      const auto i = static_cast<size_t>(u);
      UnitParts& unit = table.units[i];
      const FiringLabels mine = labels_under(firing[i], test.label, test.group);
      const std::vector<FiringLabels> theirs = part_labels(unit, postings, test);
      const Comparison whole = compare_parts(unit, mine, theirs, -1, sides.rule);
      keep_parts(whole.parts, unit);
      unit.bits = bits.more[0][i] = whole.more;
      bits.unit[i] = whole.unit_bits, bits.part[i] = whole.part_bits;
      for (int32_t g = 0; g < static_cast<int32_t>(test.groups); ++g)
        bits.more[static_cast<size_t>(g) + 1][i] =
            compare_parts(unit, mine, theirs, g, sides.rule).more;
    }
    done += end - begin;
  });
  progress.advance(done);
  progress.finish();
  throw_if_interrupted();
  return bits;
}

double mean_of_finite(const std::vector<double>& values) {
  double sum = 0, n = 0;
  for (const double x : values)
    if (std::isfinite(x)) sum += x, n += 1;
  return n == 0 ? kNone : sum / n;
}

}  // namespace

std::vector<FiringLabels> part_labels(const UnitParts& unit, const FeaturePostings& postings,
                                      const SideRows& rows) {
  std::vector<FiringLabels> out;
  for (const Part& part : unit.parts)
    out.push_back(labels_under(postings.rows_of(part.feature), rows.label, rows.group));
  return out;
}

Comparison compare_parts(const UnitParts& unit, const FiringLabels& own,
                         const std::vector<FiringLabels>& parts, int32_t left_out,
                         const EqualCountRule& rule) {
  Comparison found;
  double sum = 0, weight = 0, own_sum = 0, part_sum = 0;
  const std::vector<int32_t> mine = own.without(left_out);
  for (size_t i = 0; i < unit.parts.size(); ++i) {
    const EqualCounts c =
        compare_purity(mine, parts[i].without(left_out), rule,
                       static_cast<uint64_t>(unit.unit) * 64 + static_cast<uint64_t>(i));
    found.parts.push_back(c);
    if (c.n == 0) continue;
    const double share = unit.parts[i].share;
    sum += share * (c.unit_bits - c.part_bits), weight += share;
    own_sum += share * c.unit_bits, part_sum += share * c.part_bits;
  }
  found.more = weight == 0 ? kNone : sum / weight;
  if (weight != 0) found.unit_bits = own_sum / weight, found.part_bits = part_sum / weight;
  return found;
}

void compare_units(const FiringRows& firing, const FeaturePostings& postings, const Sides& sides,
                   UnitTable& table, Progress& progress) {
  const AllBits bits = all_bits(firing, postings, sides, table, progress);
  const std::vector<double>& more = bits.more[0];
  const auto U = static_cast<double>(table.units.size());
  std::vector<double> compared;
  double own_sum = 0, part_sum = 0;
  int64_t purer = 0;
  for (size_t i = 0; i < table.units.size(); ++i) {
    table.r2 += table.units[i].r2 / U;
    table.test_share += table.units[i].test_share / U;
    if (!std::isfinite(more[i])) continue;
    compared.push_back(more[i]);
    own_sum += bits.unit[i], part_sum += bits.part[i];
    purer += more[i] > 0;
  }
  const int64_t groups = sides.test.groups;
  table.compared = static_cast<int64_t>(compared.size());
  table.bits = cluster_bootstrap(
      groups, table.compared,
      [&](std::span<const int32_t> times) {
        for (size_t g = 0; g < times.size(); ++g)
          if (times[g] == 0) return mean_of_finite(bits.more[g + 1]);
        return mean_of_finite(more);
      },
      sides.rule.seed);
  table.bits.clusters = static_cast<int64_t>(sides.test.chosen.clusters.size());
  table.bits.method =
      "t over pseudo-values, one of " + std::to_string(groups) + " groups of clusters left out";
  if (compared.empty()) return;
  table.p = sign_flip_p(compared, sides.rule.seed);
  table.purer = wilson(purer, table.compared);
  table.purer.method = "Wilson, over units";
  const auto n = static_cast<double>(table.compared);
  table.unit_senses = std::exp2(own_sum / n), table.senses = std::exp2(part_sum / n);
}

}  // namespace otoscope::features
