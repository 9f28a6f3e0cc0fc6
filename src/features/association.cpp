#include "otoscope/features/association.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "features/cell_intervals.h"
#include "features/events.h"
#include "features/unit_counter.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"

namespace otoscope::features {
namespace {

constexpr int64_t kUnitsPerPiece = 16;

struct Candidate {
  int32_t value = -1;
  int level = 0;
  double mcc = 0;
};

Cell cell_of(const UnitCounter& counter, int64_t unit, int32_t value, int level) {
  Cell cell;
  cell.unit = static_cast<int32_t>(unit);
  cell.value = value;
  cell.threshold = counter.threshold(level);
  cell.firing_share = counter.share(level);
  cell.chosen = counter.counts(Side::choose, value, level);
  cell.test = counter.counts(Side::test, value, level);
  cell.auroc_chosen = counter.auroc(Side::choose, value);
  cell.auroc = counter.auroc(Side::test, value);
  return cell;
}

/// The best threshold of a value by MCC on train and dev; the lower of equals.
Candidate best_level(const UnitCounter& counter, int32_t value, int64_t least_rows) {
  Candidate best{value, 0, 0};
  for (int level = 0; level < counter.levels(); ++level) {
    const Counts counts = counter.counts(Side::choose, value, level);
    if (counts.tp < least_rows) break;
    if (const double mcc = counts.mcc(); mcc > best.mcc) best = {value, level, mcc};
  }
  return best;
}

/// The best values of each kind, and of these the ones worth keeping, best first.
std::vector<Candidate> choose(const UnitCounter& counter, const LabelledRows& rows,
                              const AssociationOptions& options) {
  std::array<std::vector<Candidate>, audio::kLabelKinds> by_kind;
  const auto better = [](const Candidate& a, const Candidate& b) {
    return a.mcc != b.mcc ? a.mcc > b.mcc : a.value < b.value;
  };
  for (const int32_t value : counter.touched()) {
    const Candidate candidate = best_level(counter, value, options.least_rows);
    if (candidate.mcc <= 0) continue;
    auto& kept = by_kind[static_cast<size_t>(rows.kind(value))];
    if (static_cast<int>(kept.size()) == options.per_kind && !better(candidate, kept.back()))
      continue;
    kept.insert(std::upper_bound(kept.begin(), kept.end(), candidate, better), candidate);
    if (static_cast<int>(kept.size()) > options.per_kind) kept.pop_back();
  }
  std::vector<Candidate> all;
  for (const auto& kept : by_kind) all.insert(all.end(), kept.begin(), kept.end());
  std::sort(all.begin(), all.end(), better);
  while (all.size() > 1 && all.back().mcc < options.keep_mcc) all.pop_back();
  return all;
}

}  // namespace

Associations associate(const Postings& postings, const LabelledRows& rows,
                       const AssociationOptions& options, Progress& progress) {
  Associations out;
  out.cells.resize(static_cast<size_t>(postings.units()));
  progress.start("compare with labels", postings.units(), "units");
  std::atomic<int64_t> alive{0};
  // Pieces of a step run side by side; progress and ctrl-C are looked at between steps.
  constexpr int64_t kStep = 1024;
  for (int64_t first = 0; first < postings.units(); first += kStep) {
    throw_if_interrupted();
    const int64_t n = std::min(kStep, postings.units() - first);
    parallel_ranges(n, kUnitsPerPiece, [&](int64_t begin, int64_t end) {
      UnitCounter counter(rows);
      EventCounter events(rows);
      for (int64_t unit = first + begin; unit < first + end; ++unit) {
        if (postings.count(unit) == 0) continue;
        ++alive;
        counter.count(postings.rows(unit), postings.values(unit));
        auto& cells = out.cells[static_cast<size_t>(unit)];
        for (const Candidate& best : choose(counter, rows, options))
          cells.push_back(cell_of(counter, unit, best.value, best.level));
        events.count(postings.rows(unit), postings.values(unit), cells);
      }
    });
    progress.advance(first + n);
  }
  progress.finish();
  out.compared = alive * rows.values();
  add_intervals(postings, rows, options, out, progress);
  return out;
}

std::vector<Cell> associate_all(const Postings& postings, int64_t unit, const LabelledRows& rows) {
  UnitCounter counter(rows);
  counter.count(postings.rows(unit), postings.values(unit));
  std::vector<Cell> cells;
  cells.reserve(static_cast<size_t>(rows.values()));
  for (int32_t value = 0; value < rows.values(); ++value)
    cells.push_back(cell_of(counter, unit, value, 0));
  return cells;
}

}  // namespace otoscope::features
