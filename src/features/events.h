#pragma once
/// Events of a unit, maximal runs of firing rows (methods.md §4.1), against a label: how many hold
/// it, in how many clusters, and where in the label's interval they begin and end (§4.8).

#include <span>
#include <vector>

#include "otoscope/features/association.h"

namespace otoscope::features {

/// Holds scratch space: one per thread.
class EventCounter {
 public:
  explicit EventCounter(const LabelledRows& rows);
  /// Fills events, event_clusters, their test counts, onset and offset of each cell; all cells are
  /// of this unit. rows ascending.
  void count(std::span<const int32_t> rows, std::span<const float> values, std::span<Cell> cells);

 private:
  void count_cell(std::span<const int32_t> rows, std::span<const float> values, Cell& cell,
                  uint64_t bit);
  int64_t interval_edge(int64_t row, int32_t value, int64_t step) const;

  const LabelledRows& rows_;
  std::vector<uint64_t> holding_;   // bit i: the row holds the value of cell i
  std::vector<int8_t> slot_;        // (V): cell of a value, or -1
  std::vector<int32_t> last_seen_;  // (clusters): number of the cell that saw it last
  int32_t stamp_ = 0;
};

}  // namespace otoscope::features
