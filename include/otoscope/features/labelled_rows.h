#pragma once
/// A store's rows as associations are counted on them: side of the split, item, cluster and labels.
/// Labels and their best thresholds are chosen on train and dev, figures are of the test split.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "otoscope/labels/row_labels.h"
#include "otoscope/store/store.h"

namespace otoscope::features {

enum class Side : uint8_t { none, choose, test };
inline constexpr int kSides = 2;
/// choose -> 0, test -> 1.
inline size_t side_index(Side side) { return side == Side::test ? 1 : 0; }

class LabelledRows {
 public:
  /// Items without labels are on no side. UserError where a side has no labelled items.
  LabelledRows(std::span<const store::Item> items, const labels::RowLabels& labels);

  int64_t rows() const { return static_cast<int64_t>(side_.size()); }
  /// Number of label values V. Ids of a row are below V, or V + kind where that kind is unknown
  /// there, so that the rows where a kind is known are counted by what is missing from them.
  int32_t values() const { return static_cast<int32_t>(kind_of_.size()); }
  int32_t ids_end() const { return values() + audio::kLabelKinds; }
  std::span<const int32_t> ids(int64_t row) const {
    const auto r = static_cast<size_t>(row);
    return {ids_.data() + indptr_[r], static_cast<size_t>(indptr_[r + 1] - indptr_[r])};
  }
  bool holds(int64_t row, int32_t value) const;
  bool known(int64_t row, audio::LabelKind kind) const { return !holds(row, values() + int(kind)); }
  Side side(int64_t row) const { return side_[static_cast<size_t>(row)]; }
  Side item_side(int32_t item) const { return item_side_[static_cast<size_t>(item)]; }
  int32_t item(int64_t row) const { return item_[static_cast<size_t>(row)]; }
  /// Cluster of an item: an index below clusters().
  int32_t cluster(int32_t item) const { return cluster_of_[static_cast<size_t>(item)]; }
  int32_t clusters() const { return clusters_; }
  std::span<const store::Item> items() const { return items_; }

  audio::LabelKind kind(int32_t value) const { return kind_of_[static_cast<size_t>(value)]; }
  const std::string& text(int32_t value) const { return text_[static_cast<size_t>(value)]; }
  /// Values of a kind: [first, first + count).
  std::pair<int32_t, int32_t> values_of(audio::LabelKind kind) const;
  bool present(audio::LabelKind kind) const { return values_of(kind).second > 0; }

  /// Rows of a side; those where a kind is known; those that hold a value.
  int64_t rows_on(Side side) const { return rows_on_[side_index(side)]; }
  int64_t known_rows(Side side, audio::LabelKind kind) const {
    return known_[side_index(side)][static_cast<size_t>(kind)];
  }
  int64_t positives(Side side, int32_t value) const {
    return positives_[side_index(side)][static_cast<size_t>(value)];
  }
  /// Rows that hold a value, ascending.
  std::span<const int32_t> rows_of(int32_t value) const {
    const auto v = static_cast<size_t>(value);
    return {value_rows_.data() + value_indptr_[v],
            static_cast<size_t>(value_indptr_[v + 1] - value_indptr_[v])};
  }
  /// The first value of a kind that holds at a row; -1: known to have none; -2: unknown.
  int32_t value_at(int64_t row, audio::LabelKind kind) const;

 private:
  std::vector<store::Item> items_;
  std::vector<Side> side_, item_side_;
  std::vector<int32_t> item_, cluster_of_;
  int32_t clusters_ = 0;
  std::vector<int64_t> indptr_;
  std::vector<int32_t> ids_;
  std::vector<audio::LabelKind> kind_of_;
  std::vector<std::string> text_;
  std::array<int64_t, kSides> rows_on_{};
  std::array<std::array<int64_t, audio::kLabelKinds>, kSides> known_{};
  std::array<std::vector<int64_t>, kSides> positives_;
  std::vector<int64_t> value_indptr_;
  std::vector<int32_t> value_rows_;
};

/// Kinds that hold for a whole clip: they have no onset inside it.
bool holds_whole_clips(audio::LabelKind kind);

}  // namespace otoscope::features
