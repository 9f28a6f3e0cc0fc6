#pragma once
/// Items of known truth: groups of items with shared parts, columns that do or do not depend on
/// the context.

#include <cmath>
#include <string>
#include <vector>

#include "otoscope/contexts/design.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/tensor.h"

namespace otoscope::contexts {

struct Planted {
  Design design;
  Tensor<float> x;  // (n, p)
};

struct PlantedOptions {
  int groups = 20;  // of each context
  int items = 3;    // of each group
  int columns = 40;
  int sources = 5;           // of each context: groups in turn
  double within_group = .5;  // share of a column's variance that a group has in common
  double shift = 0;          // of the first `shifted` columns, in deviations
  int shifted = 3;
  bool paired = false;  // each group has its items in both contexts
};

inline Planted planted(const PlantedOptions& o, uint64_t seed) {
  Rng rng(seed, "planted");
  std::vector<uint8_t> context;
  std::vector<std::string> group, source;
  const int groups = o.paired ? o.groups : 2 * o.groups;
  std::vector<std::vector<float>> rows;
  for (int g = 0; g < groups; ++g) {
    std::vector<double> common(static_cast<size_t>(o.columns));
    for (double& c : common) c = rng.normal() * std::sqrt(o.within_group);
    for (int i = 0; i < o.items; ++i)
      for (int side = 0; side < (o.paired ? 2 : 1); ++side) {
        const int which = o.paired ? side : g % 2;
        context.push_back(static_cast<uint8_t>(which));
        group.push_back("g" + std::to_string(g));
        const int s = (o.paired ? g : g / 2) % o.sources;
        source.push_back(o.paired ? "s" + std::to_string(s)
                                  : (which != 0 ? "b" : "a") + std::to_string(s));
        std::vector<float> row;
        for (int j = 0; j < o.columns; ++j)
          row.push_back(static_cast<float>(common[static_cast<size_t>(j)] +
                                           rng.normal() * std::sqrt(1 - o.within_group) +
                                           (which != 0 && j < o.shifted ? o.shift : 0)));
        rows.push_back(row);
      }
  }
  Planted result{make_design(context, group, source),
                 Tensor<float>(Shape{static_cast<int64_t>(rows.size()), o.columns})};
  for (size_t i = 0; i < rows.size(); ++i)
    std::copy(rows[i].begin(), rows[i].end(), result.x.view().row(static_cast<int64_t>(i)));
  return result;
}

}  // namespace otoscope::contexts
