#pragma once
/// Which features a unit is laid apart into, and how much of it they are.

#include <cstdint>
#include <span>
#include <vector>

#include "features/unit_moments.h"
#include "otoscope/features/decompose.h"

namespace otoscope::features {

/// Places of the `count` largest values, the largest first; of equals the first.
std::vector<size_t> largest(std::span<const double> values, size_t count);

/// The `top` features of each unit with the largest shares on learning rows.
std::vector<UnitParts> choose_parts(const sae::Sae& sae, const UnitGroup& group,
                                    const UnitMoments& learning, const FeaturePostings& postings,
                                    int top);

/// Above it a unit fires on learning rows as often as its parts do in the mean. signals: (n, U); a
/// unit without parts keeps 0.
void set_thresholds(View<const float> signals, const FeaturePostings& postings,
                    std::vector<UnitParts>& units);

/// Shares on test.
void add_test_shares(const sae::Sae& sae, const UnitGroup& group, const UnitMoments& test,
                     std::vector<UnitParts>& units);

std::vector<int64_t> features_of(const UnitParts& unit);

}  // namespace otoscope::features
