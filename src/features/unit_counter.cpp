#include "features/unit_counter.h"

#include <algorithm>

namespace otoscope::features {

UnitCounter::UnitCounter(const LabelledRows& rows) : rows_(rows) {
  for (auto& table : table_) table.assign(static_cast<size_t>(rows.ids_end()) * kMostLevels, 0);
  for (auto& sums : rank_sum_) sums.assign(static_cast<size_t>(rows.values()), 0);
  seen_.assign(static_cast<size_t>(rows.ids_end()), 0);
}

void UnitCounter::clear() {
  for (const int32_t id : touched_ids_) {
    seen_[static_cast<size_t>(id)] = 0;
    for (size_t side = 0; side < kSides; ++side) {
      std::fill_n(cell(side, id), kMostLevels, 0);
      if (id < rows_.values()) rank_sum_[side][static_cast<size_t>(id)] = 0;
    }
  }
  touched_.clear(), touched_ids_.clear();
  for (auto& entries : entries_) entries.clear();
  fired_ = {};
}

void UnitCounter::set_thresholds() {
  const std::vector<Entry>& chosen = entries_[0];
  levels_ = 1;
  thresholds_[0] = 0;
  for (size_t cut = 1; cut < kCuts.size() && !chosen.empty(); ++cut) {
    const auto place = static_cast<size_t>(kCuts[cut] * static_cast<double>(chosen.size()));
    const float value = chosen[std::min(place, chosen.size() - 1)].value;
    if (value > chosen.front().value && value > thresholds_[static_cast<size_t>(levels_) - 1])
      thresholds_[static_cast<size_t>(levels_++)] = value;
  }
}

int UnitCounter::level_of(float value) const {
  int level = levels_ - 1;
  while (level > 0 && value < thresholds_[static_cast<size_t>(level)]) --level;
  return level;
}

void UnitCounter::walk(Side side) {
  const size_t s = side_index(side);
  const std::vector<Entry>& entries = entries_[s];
  std::array<int64_t, audio::kLabelKinds> unknown_before{}, unknown_here{};
  const int32_t V = rows_.values();
  for (size_t begin = 0; begin < entries.size();) {
    size_t end = begin + 1;
    while (end < entries.size() && entries[end].value == entries[begin].value) ++end;
    unknown_here = {};
    if (end - begin > 1)
      for (size_t e = begin; e < end; ++e)
        for (const int32_t id : rows_.ids(entries[e].row))
          if (id >= V) ++unknown_here[static_cast<size_t>(id - V)];

    const int level = level_of(entries[begin].value);
    fired_[s][static_cast<size_t>(level)] += static_cast<int64_t>(end - begin);
    for (size_t e = begin; e < end; ++e) {
      for (const int32_t id : rows_.ids(entries[e].row)) {
        const auto i = static_cast<size_t>(id);
        ++cell(s, id)[level];
        if (seen_[i] == 0) seen_[i] = 1, touched_ids_.push_back(id);
        if (id >= V) continue;
        const auto kind = static_cast<size_t>(rows_.kind(id));
        const auto before = static_cast<double>(static_cast<int64_t>(begin) - unknown_before[kind]);
        const auto tied =
            static_cast<double>(static_cast<int64_t>(end - begin) - unknown_here[kind]);
        rank_sum_[s][i] += before + (tied + 1) / 2;
      }
    }
    if (end - begin == 1) {
      for (const int32_t id : rows_.ids(entries[begin].row))
        if (id >= V) ++unknown_before[static_cast<size_t>(id - V)];
    } else {
      for (size_t kind = 0; kind < unknown_here.size(); ++kind)
        unknown_before[kind] += unknown_here[kind];
    }
    begin = end;
  }
}

void UnitCounter::count(std::span<const int32_t> rows, std::span<const float> values) {
  clear();
  for (size_t e = 0; e < rows.size(); ++e) {
    const Side side = rows_.side(rows[e]);
    if (side != Side::none) entries_[side_index(side)].push_back({values[e], rows[e]});
  }
  for (auto& entries : entries_)
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
      return a.value != b.value ? a.value < b.value : a.row < b.row;
    });
  set_thresholds();
  walk(Side::choose);
  walk(Side::test);
  for (const int32_t id : touched_ids_)
    if (id < rows_.values()) touched_.push_back(id);
  std::sort(touched_.begin(), touched_.end());
}

int64_t UnitCounter::at_least(size_t side, int32_t id, int level) const {
  const int32_t* counts = table_[side].data() + static_cast<size_t>(id) * kMostLevels;
  int64_t sum = 0;
  for (int l = level; l < levels_; ++l) sum += counts[l];
  return sum;
}

double UnitCounter::share(int level) const {
  if (entries_[0].empty()) return 0;
  int64_t sum = 0;
  for (int l = level; l < levels_; ++l) sum += fired_[0][static_cast<size_t>(l)];
  return static_cast<double>(sum) / static_cast<double>(entries_[0].size());
}

Counts UnitCounter::counts(Side side, int32_t value, int level) const {
  const size_t s = side_index(side);
  const audio::LabelKind kind = rows_.kind(value);
  int64_t fired = -at_least(s, rows_.values() + static_cast<int32_t>(kind), level);
  for (int l = level; l < levels_; ++l) fired += fired_[s][static_cast<size_t>(l)];
  Counts counts;
  counts.tp = at_least(s, value, level);
  counts.fp = fired - counts.tp;
  counts.fn = rows_.positives(side, value) - counts.tp;
  counts.tn = rows_.known_rows(side, kind) - counts.tp - counts.fp - counts.fn;
  return counts;
}

double UnitCounter::auroc(Side side, int32_t value) const {
  const Counts all = counts(side, value, 0);
  const auto positive = static_cast<double>(all.positive()),
             negative = static_cast<double>(all.n() - all.positive()),
             silent = static_cast<double>(all.fn + all.tn);
  if (positive == 0 || negative == 0) return 0.5;
  const double ranks = rank_sum_[side_index(side)][static_cast<size_t>(value)] +
                       static_cast<double>(all.tp) * silent +
                       static_cast<double>(all.fn) * (silent + 1) / 2;
  return (ranks - positive * (positive + 1) / 2) / (positive * negative);
}

}  // namespace otoscope::features
