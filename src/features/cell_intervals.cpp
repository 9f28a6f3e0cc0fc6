#include "features/cell_intervals.h"

#include <algorithm>
#include <unordered_map>

#include "features/intervals.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"

namespace otoscope::features {
namespace {

/// Clusters with test rows, numbered.
struct TestClusters {
  std::vector<int32_t> number;  // (clusters): -1 without test rows
  int64_t count = 0;

  explicit TestClusters(const LabelledRows& rows)
      : number(static_cast<size_t>(rows.clusters()), -1) {
    for (int64_t row = 0; row < rows.rows(); ++row) {
      if (rows.side(row) != Side::test) continue;
      int32_t& n = number[static_cast<size_t>(rows.cluster(rows.item(row)))];
      if (n < 0) n = static_cast<int32_t>(count++);
    }
  }
  size_t of(const LabelledRows& rows, int64_t row) const {
    return static_cast<size_t>(number[static_cast<size_t>(rows.cluster(rows.item(row)))]);
  }
};

/// Per cluster and cell: hits, twice hits, firings, positives, firings + positives.
struct Sums {
  std::vector<float> hit, twice, fired, positive, either;
  explicit Sums(size_t n) : hit(n, 0), twice(n, 0), fired(n, 0), positive(n, 0), either(n, 0) {}
};

}  // namespace

void add_intervals(const Postings& postings, const LabelledRows& rows,
                   const AssociationOptions& options, Associations& associations,
                   Progress& progress) {
  std::vector<Cell*> cells;
  for (auto& list : associations.cells)
    for (Cell& cell : list) cells.push_back(&cell);
  const TestClusters clusters(rows);
  const auto C = static_cast<size_t>(clusters.count);

  std::unordered_map<int32_t, std::vector<float>> positives;
  for (const Cell* cell : cells) {
    auto [place, fresh] = positives.try_emplace(cell->value);
    if (!fresh) continue;
    place->second.assign(C, 0);
    for (const int32_t row : rows.rows_of(cell->value))
      if (rows.side(row) == Side::test) ++place->second[clusters.of(rows, row)];
  }

  const size_t step = std::clamp<size_t>((size_t{1} << 22) / std::max<size_t>(1, C), 64, 4096);
  progress.start("intervals of associations", static_cast<int64_t>(cells.size()), "cells");
  for (size_t first = 0; first < cells.size(); first += step) {
    throw_if_interrupted();
    const size_t n = std::min(step, cells.size() - first);
    Sums sums(C * n);
    parallel_ranges(static_cast<int64_t>(n), 16, [&](int64_t begin, int64_t end) {
      for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
        const Cell& cell = *cells[first + i];
        const auto fired_rows = postings.rows(cell.unit);
        const auto values = postings.values(cell.unit);
        const audio::LabelKind kind = rows.kind(cell.value);
        for (size_t e = 0; e < fired_rows.size(); ++e) {
          if (values[e] < cell.threshold || rows.side(fired_rows[e]) != Side::test ||
              !rows.known(fired_rows[e], kind))
            continue;
          const size_t place = clusters.of(rows, fired_rows[e]) * n + i;
          sums.fired[place] += 1;
          if (rows.holds(fired_rows[e], cell.value)) sums.hit[place] += 1;
        }
        const std::vector<float>& positive = positives.at(cell.value);
        for (size_t c = 0; c < C; ++c) {
          const size_t place = c * n + i;
          sums.positive[place] = positive[c];
          sums.twice[place] = 2 * sums.hit[place];
          sums.either[place] = sums.fired[place] + positive[c];
        }
      }
    });
    const auto estimate = [&](const std::vector<float>& top, const std::vector<float>& bottom) {
      return bootstrap_ratios(top, bottom, clusters.count, static_cast<int64_t>(n), options.seed,
                              options.replicates);
    };
    const auto precision = estimate(sums.hit, sums.fired),
               recall = estimate(sums.hit, sums.positive), f1 = estimate(sums.twice, sums.either);
    for (size_t i = 0; i < n; ++i) {
      cells[first + i]->precision = precision[i];
      cells[first + i]->recall = recall[i];
      cells[first + i]->f1 = f1[i];
    }
    progress.advance(static_cast<int64_t>(first + n));
  }
  progress.finish();
}

}  // namespace otoscope::features
