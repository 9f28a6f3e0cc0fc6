#include <algorithm>
#include <map>

#include "features/cells_of_unit.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/statistics.h"
#include "otoscope/core/threads.h"

namespace otoscope::features {
namespace {

/// Items of the test split that hold each value, by stratum.
struct Clips {
  std::vector<int32_t> stratum;  // (items): -1 off the test split
  int64_t strata = 0;

  Clips(const LabelledRows& rows, int block) : stratum(rows.items().size(), -1) {
    const ItemStrata groups(rows, Side::test, true, block);
    for (const auto& group : groups.groups()) {
      for (const int32_t item : group)
        stratum[static_cast<size_t>(item)] = static_cast<int32_t>(strata);
      ++strata;
    }
  }
};

/// Distinct items of a run of rows in order, on the test split.
template <class Wanted>
std::vector<int32_t> items_of(const LabelledRows& rows, std::span<const int32_t> list,
                              const Wanted& wanted) {
  std::vector<int32_t> items;
  for (size_t e = 0; e < list.size(); ++e) {
    const int32_t item = rows.item(list[e]);
    if (rows.side(list[e]) == Side::test && (items.empty() || items.back() != item) && wanted(e))
      items.push_back(item);
  }
  return items;
}

/// The urn of a kind: clips in which it is known somewhere, and how many there are by stratum.
struct Urn {
  std::vector<uint8_t> holds;  // (items)
  std::vector<int64_t> clips;  // (strata)

  Urn(const LabelledRows& rows, const Clips& all, audio::LabelKind kind)
      : holds(all.stratum.size(), 0), clips(static_cast<size_t>(all.strata), 0) {
    for (size_t i = 0; i < holds.size(); ++i) {
      if (all.stratum[i] < 0) continue;
      const store::Item& clip = rows.items()[i];
      for (int64_t row = clip.first_row; row < clip.first_row + clip.n_rows && holds[i] == 0; ++row)
        holds[i] = rows.known(row, kind) ? 1 : 0;
      clips[static_cast<size_t>(all.stratum[i])] += holds[i];
    }
  }
};

double p_of(const Postings& postings, const LabelledRows& rows, const Clips& clips, const Urn& urn,
            const Cell& cell) {
  const auto values = postings.values(cell.unit);
  const auto fired = items_of(rows, postings.rows(cell.unit),
                              [&](size_t e) { return values[e] >= cell.threshold; });
  const auto holding = items_of(rows, rows.rows_of(cell.value), [](size_t) { return true; });
  std::map<int32_t, Overlap> strata;
  for (const int32_t item : holding) ++strata[clips.stratum[static_cast<size_t>(item)]].marked;
  for (const int32_t item : fired) {
    const auto found = strata.find(clips.stratum[static_cast<size_t>(item)]);
    if (found == strata.end()) continue;  // nothing to meet there
    if (urn.holds[static_cast<size_t>(item)] == 0) continue;
    ++found->second.drawn;
    if (std::binary_search(holding.begin(), holding.end(), item)) ++found->second.hits;
  }
  std::vector<Overlap> list;
  for (auto& [stratum, overlap] : strata) {
    overlap.total = urn.clips[static_cast<size_t>(stratum)];
    list.push_back(overlap);
  }
  return overlap_p(list);
}

}  // namespace

std::vector<CellsOfUnit> by_unit(std::span<Cell* const> cells) {
  std::map<int32_t, std::vector<Cell*>> units;
  for (Cell* cell : cells) units[cell->unit].push_back(cell);
  std::vector<CellsOfUnit> list;
  for (auto& [unit, members] : units) list.push_back({unit, std::move(members)});
  return list;
}

void exact_tests(const Postings& postings, const LabelledRows& rows, std::span<Cell* const> cells,
                 const NullOptions& options, Progress& progress) {
  if (cells.empty()) return;
  const Clips clips(rows, options.exact_block);
  std::map<audio::LabelKind, std::vector<Cell*>> kinds;
  for (Cell* cell : cells) kinds[rows.kind(cell->value)].push_back(cell);
  for (const auto& entry : kinds) {
    const audio::LabelKind kind = entry.first;
    const std::vector<Cell*>& members = entry.second;
    throw_if_interrupted();
    const Urn urn(rows, clips, kind);
    const auto n = static_cast<int64_t>(members.size());
    std::vector<double> p(members.size());
    progress.start("exact tests", n, "cells");
    parallel_ranges(n, 16, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i)
        p[i] = p_of(postings, rows, clips, urn, *members[i]);
    });
    const std::vector<double> adjusted = benjamini_hochberg(p);
    for (size_t i = 0; i < members.size(); ++i) {
      members[i]->p = adjusted[i];
      members[i]->p_method = "exact by clip, Benjamini-Hochberg";
    }
    progress.finish();
  }
}

}  // namespace otoscope::features
