#pragma once
/// One unit laid open, for people: the one asked for, or the one that learning rows recommend.

#include <optional>

#include "features/decompose/sides.h"
#include "features/unit_moments.h"

namespace otoscope::features {

/// A group of units on learning rows.
struct LearnedUnits {
  View<const float> signals;  // (rows, U)
  const UnitMoments& moments;
  const FeaturePostings& postings;
};

/// firing, postings: of the same units on test rows, which alone are shown. only: the unit asked
/// for, -1: none. None where no unit is worth showing.
std::optional<Illustration> illustrate(const UnitTable& table, const LearnedUnits& learned,
                                       const FiringRows& firing, const FeaturePostings& postings,
                                       const Sides& sides, int64_t only);

}  // namespace otoscope::features
