#include "otoscope/features/labelled_rows.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "otoscope/core/errors.h"

namespace otoscope::features {
namespace {

Side side_of(const store::Item& item) {
  if (item.split == "test") return Side::test;
  return item.split == "train" || item.split == "dev" ? Side::choose : Side::none;
}

}  // namespace

bool holds_whole_clips(audio::LabelKind kind) {
  using enum audio::LabelKind;
  return kind == language || kind == speaker || kind == gender || kind == sound ||
         kind == noise_level;
}

LabelledRows::LabelledRows(std::span<const store::Item> items, const labels::RowLabels& labels)
    : items_(items.begin(), items.end()) {
  const auto rows = labels.known.size();
  OTO_ASSERT(labels.indptr.size() == rows + 1);
  for (const auto& value : labels.values) {
    kind_of_.push_back(value.kind);
    text_.push_back(value.value);
  }
  side_.assign(rows, Side::none);
  item_.assign(rows, -1);
  std::map<std::string, int32_t> clusters;
  for (size_t i = 0; i < items_.size(); ++i) {
    const store::Item& item = items_[i];
    cluster_of_.push_back(
        clusters.emplace(item.cluster, static_cast<int32_t>(clusters.size())).first->second);
    const auto known = labels.known.begin() + item.first_row;
    const bool labelled =
        std::any_of(known, known + item.n_rows, [](uint32_t k) { return k != 0; });
    item_side_.push_back(labelled ? side_of(item) : Side::none);
    std::fill_n(item_.begin() + item.first_row, item.n_rows, static_cast<int32_t>(i));
    std::fill_n(side_.begin() + item.first_row, item.n_rows, item_side_.back());
  }
  clusters_ = static_cast<int32_t>(clusters.size());

  uint32_t kinds = 0;
  for (const auto kind : kind_of_) kinds |= 1U << static_cast<int>(kind);
  for (auto& positives : positives_) positives.assign(kind_of_.size(), 0);
  value_indptr_.assign(kind_of_.size() + 1, 0);
  indptr_.reserve(rows + 1);
  indptr_.push_back(0);
  for (size_t r = 0; r < rows; ++r) {
    if (side_[r] != Side::none) {
      const size_t s = side_index(side_[r]);
      ++rows_on_[s];
      for (int64_t e = labels.indptr[r]; e < labels.indptr[r + 1]; ++e) {
        const auto id = static_cast<size_t>(labels.ids[static_cast<size_t>(e)]);
        if (!labels.is_known(static_cast<int64_t>(r), kind_of_[id])) continue;
        ids_.push_back(static_cast<int32_t>(id));
        ++positives_[s][id];
        ++value_indptr_[id + 1];
      }
      for (int kind = 0; kind < audio::kLabelKinds; ++kind) {
        if ((kinds >> kind & 1U) == 0) continue;
        if ((labels.known[r] >> kind & 1U) != 0)
          ++known_[s][static_cast<size_t>(kind)];
        else
          ids_.push_back(values() + kind);
      }
    }
    indptr_.push_back(static_cast<int64_t>(ids_.size()));
  }
  for (size_t v = 0; v < kind_of_.size(); ++v) value_indptr_[v + 1] += value_indptr_[v];
  value_rows_.resize(static_cast<size_t>(value_indptr_.back()));
  std::vector<int64_t> next(value_indptr_.begin(), value_indptr_.end() - 1);
  for (int64_t row = 0; row < this->rows(); ++row)
    for (const int32_t id : ids(row))
      if (id < values())
        value_rows_[static_cast<size_t>(next[static_cast<size_t>(id)]++)] =
            static_cast<int32_t>(row);

  for (const auto& [side, name] : {std::pair(Side::choose, "train or dev"), {Side::test, "test"}})
    if (rows_on(side) == 0)
      throw UserError("--labels", fmt::format("expected labelled rows in {}, got none", name),
                      "labels are chosen on train and dev and reported on test: the store needs "
                      "labelled clips of both");
}

bool LabelledRows::holds(int64_t row, int32_t value) const {
  for (const int32_t id : ids(row))
    if (id == value) return true;
  return false;
}

std::pair<int32_t, int32_t> LabelledRows::values_of(audio::LabelKind kind) const {
  const auto [begin, end] = std::equal_range(kind_of_.begin(), kind_of_.end(), kind);
  return {static_cast<int32_t>(begin - kind_of_.begin()), static_cast<int32_t>(end - begin)};
}

int32_t LabelledRows::value_at(int64_t row, audio::LabelKind kind) const {
  const auto [first, count] = values_of(kind);
  for (const int32_t id : ids(row)) {
    if (id >= first && id < first + count) return id;
    if (id == values() + static_cast<int32_t>(kind)) return -2;
  }
  return -1;
}

}  // namespace otoscope::features
