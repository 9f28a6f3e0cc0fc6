#include "features/events.h"

#include "otoscope/core/errors.h"
#include "otoscope/core/statistics.h"

namespace otoscope::features {
namespace {

Lag lag_of(const std::vector<double>& rows) {
  if (rows.empty()) return {};
  return {quantile(rows, 0.5), quantile(rows, 0.25), quantile(rows, 0.75),
          static_cast<int64_t>(rows.size())};
}

}  // namespace

EventCounter::EventCounter(const LabelledRows& rows)
    : rows_(rows),
      slot_(static_cast<size_t>(rows.values()), -1),
      last_seen_(static_cast<size_t>(rows.clusters()), -1) {}

/// The last row of the same item, going by `step` from `row`, up to which the value holds.
int64_t EventCounter::interval_edge(int64_t row, int32_t value, int64_t step) const {
  const int32_t item = rows_.item(row);
  int64_t next = row + step;
  while (next >= 0 && next < rows_.rows() && rows_.item(next) == item && rows_.holds(next, value))
    next += step;
  return next - step;
}

void EventCounter::count_cell(std::span<const int32_t> rows, std::span<const float> values,
                              Cell& cell, uint64_t bit) {
  ++stamp_;
  const bool timed = !holds_whole_clips(rows_.kind(cell.value));
  std::vector<double> onsets, offsets;
  int64_t first = -1, last = -1, first_hit = -1, last_hit = -1;
  const auto close = [&] {
    if (first_hit >= 0) {
      const int32_t cluster = rows_.cluster(rows_.item(first_hit));
      const bool fresh = last_seen_[static_cast<size_t>(cluster)] != stamp_;
      last_seen_[static_cast<size_t>(cluster)] = stamp_;
      ++cell.events;
      if (fresh) ++cell.event_clusters;
      if (rows_.side(first_hit) == Side::test) {
        ++cell.test_events;
        if (fresh) ++cell.test_event_clusters;  // a cluster is on one side
        if (timed) {
          onsets.push_back(static_cast<double>(first - interval_edge(first_hit, cell.value, -1)));
          offsets.push_back(static_cast<double>(last - interval_edge(last_hit, cell.value, 1)));
        }
      }
    }
    first = first_hit = -1;
  };
  for (size_t e = 0; e < rows.size(); ++e) {
    const int64_t row = rows[e];
    if (values[e] < cell.threshold || rows_.side(row) == Side::none) continue;
    if (first >= 0 && (row - last > 2 || rows_.item(row) != rows_.item(last))) close();
    if (first < 0) first = row;
    last = row;
    if ((holding_[e] & bit) != 0) {
      if (first_hit < 0) first_hit = row;
      last_hit = row;
    }
  }
  close();
  cell.onset = lag_of(onsets);
  cell.offset = lag_of(offsets);
}

void EventCounter::count(std::span<const int32_t> rows, std::span<const float> values,
                         std::span<Cell> cells) {
  OTO_ASSERT(cells.size() <= 64);
  for (size_t c = 0; c < cells.size(); ++c)
    slot_[static_cast<size_t>(cells[c].value)] = static_cast<int8_t>(c);
  holding_.assign(rows.size(), 0);
  for (size_t e = 0; e < rows.size(); ++e)
    for (const int32_t id : rows_.ids(rows[e]))
      if (id < rows_.values() && slot_[static_cast<size_t>(id)] >= 0)
        holding_[e] |= uint64_t{1} << slot_[static_cast<size_t>(id)];
  for (size_t c = 0; c < cells.size(); ++c) count_cell(rows, values, cells[c], uint64_t{1} << c);
  for (const Cell& cell : cells) slot_[static_cast<size_t>(cell.value)] = -1;
}

}  // namespace otoscope::features
