#pragma once
/// How much more mixed a unit is than its parts, at equal counts of firings.

#include <vector>

#include "features/decompose/sides.h"
#include "features/unit_moments.h"
#include "otoscope/core/progress.h"

namespace otoscope::features {

/// Labels under the firings of each of its parts.
std::vector<FiringLabels> part_labels(const UnitParts& unit, const FeaturePostings& postings,
                                      const SideRows& rows);

/// One unit against its parts. Means are over the parts that fire enough, weighted by share.
struct Comparison {
  std::vector<EqualCounts> parts;
  double more = 0;  // bits of the unit above its parts'; NaN: no part fires enough
  double unit_bits = 0, part_bits = 0;
};
/// left_out: a group of clusters; -1: none.
Comparison compare_parts(const UnitParts& unit, const FiringLabels& own,
                         const std::vector<FiringLabels>& parts, int32_t left_out,
                         const EqualCountRule& rule);

/// Compares the units of a table on test rows and fills it: counts and senses of parts, bits of
/// units, the estimates over units.
void compare_units(const FiringRows& firing, const FeaturePostings& postings, const Sides& sides,
                   UnitTable& table, Progress& progress);

}  // namespace otoscope::features
