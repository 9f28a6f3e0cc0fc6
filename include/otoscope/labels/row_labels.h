#pragma once
/// Labels laid over a store's rows: which values hold at each row, and where each kind is known.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "otoscope/audio/labels.h"
#include "otoscope/store/store.h"

namespace otoscope::labels {

struct LabelValue {
  audio::LabelKind kind = audio::LabelKind::phone;
  std::string value;
};

struct RowLabels {
  std::vector<LabelValue> values;  // (V), grouped by kind, then by value
  std::vector<int64_t> indptr;     // (rows + 1)
  std::vector<int32_t> ids;        // values that hold at a row, ascending
  /// (rows): bit k is set where kind k is known. A kind is counted on these rows only.
  std::vector<uint32_t> known;
  int64_t items_labelled = 0, items_without = 0;

  bool is_known(int64_t row, audio::LabelKind kind) const {
    return (known[static_cast<size_t>(row)] >> static_cast<int>(kind) & 1U) != 0;
  }
};

/// Items of the store find their clip by id. A row holds the labels whose interval contains its
/// time (the centre of its frame, methods.md §0). Items without labels are unknown in every kind.
/// UserError where no item of the store has labels, with an id of each side.
RowLabels label_rows(const store::Store& store, std::span<const audio::ClipLabels> clips);

}  // namespace otoscope::labels
