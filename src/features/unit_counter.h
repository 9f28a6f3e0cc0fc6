#pragma once
/// One unit's firings against every label value at several thresholds, in one walk over its
/// posting list. Holds scratch space: one per thread, used for unit after unit.

#include <array>
#include <span>
#include <vector>

#include "otoscope/features/counts.h"
#include "otoscope/features/labelled_rows.h"

namespace otoscope::features {

class UnitCounter {
 public:
  /// Thresholds tried: every firing, then these shares of the unit's values on train and dev cut
  /// off.
  static constexpr std::array<double, 6> kCuts = {0, 0.25, 0.5, 0.75, 0.9, 0.95};
  static constexpr int kMostLevels = static_cast<int>(kCuts.size());

  explicit UnitCounter(const LabelledRows& rows);

  /// rows ascending, values above 0.
  void count(std::span<const int32_t> rows, std::span<const float> values);

  /// Values that hold at a firing row, ascending.
  const std::vector<int32_t>& touched() const { return touched_; }
  int levels() const { return levels_; }
  float threshold(int level) const { return thresholds_[static_cast<size_t>(level)]; }
  /// Share of its firings on train and dev that are at least the threshold.
  double share(int level) const;
  Counts counts(Side side, int32_t value, int level) const;
  /// Exact: firing rows by mid-rank, all silent rows tie below them.
  double auroc(Side side, int32_t value) const;

 private:
  struct Entry {
    float value;
    int32_t row;
  };
  void clear();
  void set_thresholds();
  void walk(Side side);
  int level_of(float value) const;
  int32_t* cell(size_t side, int32_t id) {
    return table_[side].data() + static_cast<size_t>(id) * kMostLevels;
  }
  int64_t at_least(size_t side, int32_t id, int level) const;

  const LabelledRows& rows_;
  std::array<std::vector<Entry>, kSides> entries_;    // by value, ascending
  std::array<std::vector<int32_t>, kSides> table_;    // (ids, levels): firing rows by level
  std::array<std::vector<double>, kSides> rank_sum_;  // (V): of firing rows with the label
  std::array<std::array<int64_t, kMostLevels>, kSides> fired_{};
  std::vector<uint8_t> seen_;
  std::vector<int32_t> touched_, touched_ids_;
  std::array<float, kMostLevels> thresholds_{};
  int levels_ = 1;
};

}  // namespace otoscope::features
