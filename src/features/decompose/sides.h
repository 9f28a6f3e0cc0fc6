#pragma once
/// The rows that units are taken apart on, and those that say how well: labels and groups of both.

#include <cstdint>
#include <string>
#include <vector>

#include "features/one_label.h"
#include "features/purity.h"
#include "otoscope/features/coded_rows.h"
#include "otoscope/features/decompose.h"

namespace otoscope::features {

/// The rows of one side with their labels and groups of clusters.
struct SideRows {
  ChosenRows chosen;
  std::vector<int32_t> label, group;  // (rows); label -1: none
  int64_t groups = 0;                 // under 20, so that the bootstrap leaves one out at a time
};

struct Sides {
  std::vector<std::string> values;  // of labels
  SideRows learning, test;
  EqualCountRule rule;
};
/// UserError where a side has no rows or no labels.
Sides make_sides(const store::Store& store, const std::vector<audio::ClipLabels>& labels,
                 const DecomposeOptions& options);

/// The rows on which a unit fires, by place in a side; ascending.
using FiringRows = std::vector<std::vector<int32_t>>;  // (units)

}  // namespace otoscope::features
