#pragma once
/// Cells to test, gathered by unit, so that a posting list is read once for all of them; and the
/// tests that need no permutation.

#include <span>
#include <vector>

#include "otoscope/features/null.h"

namespace otoscope::features {

struct CellsOfUnit {
  int32_t unit = 0;
  std::vector<Cell*> cells;
};
std::vector<CellsOfUnit> by_unit(std::span<Cell* const> cells);

/// Does the unit fire in the clips that hold the value, more often than clips of the same language
/// and length fire? Over test clips where the kind is known; adjusted within each kind.
void exact_tests(const Postings& postings, const LabelledRows& rows, std::span<Cell* const> cells,
                 const NullOptions& options, Progress& progress);

}  // namespace otoscope::features
