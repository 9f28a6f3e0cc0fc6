#include "otoscope/features/null.h"

#include <algorithm>

#include <fmt/format.h>

#include "features/cells_of_unit.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/statistics.h"
#include "otoscope/core/threads.h"

namespace otoscope::features {
namespace {

using KindFlags = std::array<bool, audio::kLabelKinds>;

/// Test rows numbered from 0, with the labels of the kinds that one exchange moves.
struct TestRows {
  std::vector<int32_t> number;  // (rows): -1 off the test split
  std::vector<int32_t> row;     // (n)
  std::vector<int64_t> indptr;  // (n + 1)
  std::vector<int32_t> ids;

  TestRows(const LabelledRows& rows, const KindFlags& kinds)
      : number(static_cast<size_t>(rows.rows()), -1), indptr{0} {
    for (int64_t r = 0; r < rows.rows(); ++r) {
      if (rows.side(r) != Side::test) continue;
      number[static_cast<size_t>(r)] = static_cast<int32_t>(row.size());
      row.push_back(static_cast<int32_t>(r));
      for (const int32_t id : rows.ids(r)) {
        const int kind = id < rows.values() ? static_cast<int>(rows.kind(id)) : id - rows.values();
        if (kinds[static_cast<size_t>(kind)]) ids.push_back(id);
      }
      indptr.push_back(static_cast<int64_t>(ids.size()));
    }
  }
  std::span<const int32_t> ids_of(int32_t n) const {
    const auto i = static_cast<size_t>(n);
    return {ids.data() + indptr[i], static_cast<size_t>(indptr[i + 1] - indptr[i])};
  }
};

/// A few permutations at once: sources of test rows, and how many rows hold each id under each.
struct Exchanges {
  std::vector<std::vector<int32_t>> source;  // [p]: (n), numbers of test rows
  std::vector<std::vector<int64_t>> count;   // [p]: (ids)

  Exchanges(const LabelledRows& rows, const TestRows& test, const ItemStrata& strata, int first,
            int permutations, uint64_t seed)
      : source(static_cast<size_t>(permutations)), count(static_cast<size_t>(permutations)) {
    parallel_ranges(permutations, 1, [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) {
        Rng rng(seed, fmt::format("exchange of labels {}", first + p));
        const auto sources = strata.exchange(rows, rng);
        auto& numbers = source[static_cast<size_t>(p)];
        auto& counts = count[static_cast<size_t>(p)];
        counts.assign(static_cast<size_t>(rows.ids_end()), 0);
        for (const int32_t row : test.row) {
          numbers.push_back(test.number[static_cast<size_t>(sources[static_cast<size_t>(row)])]);
          for (const int32_t id : test.ids_of(numbers.back())) ++counts[static_cast<size_t>(id)];
        }
      }
    });
  }
};

/// MCC of a unit's cells under each permutation, maximum by kind: `maxima` (kinds, permutations).
class NullOfUnit {
 public:
  NullOfUnit(const LabelledRows& rows, const TestRows& test) : rows_(rows), test_(test) {
    slot_.assign(static_cast<size_t>(rows.ids_end()), -1);
  }

  void add(std::span<const int32_t> fired_rows, std::span<const float> values,
           std::span<Cell* const> cells, const Exchanges& exchanges,
           std::vector<std::vector<double>>& maxima) {
    entries_.clear();
    for (size_t e = 0; e < fired_rows.size(); ++e)
      if (const int32_t n = test_.number[static_cast<size_t>(fired_rows[e])]; n >= 0)
        entries_.push_back({n, values[e]});
    for (size_t c = 0; c < cells.size(); ++c)
      slot_[static_cast<size_t>(cells[c]->value)] = static_cast<int16_t>(c);
    for (size_t p = 0; p < exchanges.source.size(); ++p) {
      count(cells, exchanges.source[p]);
      for (size_t c = 0; c < cells.size(); ++c) {
        const auto kind = static_cast<size_t>(rows_.kind(cells[c]->value));
        maxima[kind][p] = std::max(maxima[kind][p], mcc(c, *cells[c], exchanges.count[p]));
      }
    }
    for (const Cell* cell : cells) slot_[static_cast<size_t>(cell->value)] = -1;
  }

 private:
  struct Entry {
    int32_t number;
    float value;
  };
  void count(std::span<Cell* const> cells, const std::vector<int32_t>& source) {
    hits_.assign(cells.size(), 0);
    fired_.assign(cells.size(), 0);
    for (const Entry& entry : entries_) {
      for (const int32_t id : test_.ids_of(source[static_cast<size_t>(entry.number)])) {
        if (id >= rows_.values()) {
          for (size_t c = 0; c < cells.size(); ++c)
            if (static_cast<int32_t>(rows_.kind(cells[c]->value)) == id - rows_.values() &&
                entry.value >= cells[c]->threshold)
              --fired_[c];
        } else if (const int16_t c = slot_[static_cast<size_t>(id)];
                   c >= 0 && entry.value >= cells[static_cast<size_t>(c)]->threshold) {
          ++hits_[static_cast<size_t>(c)];
        }
      }
    }
    for (size_t c = 0; c < cells.size(); ++c)
      for (const Entry& entry : entries_)
        if (entry.value >= cells[c]->threshold) ++fired_[c];
  }
  double mcc(size_t c, const Cell& cell, const std::vector<int64_t>& count) const {
    const int32_t unknown_id = rows_.values() + static_cast<int32_t>(rows_.kind(cell.value));
    const int64_t unknown = count[static_cast<size_t>(unknown_id)];
    Counts counts;
    counts.tp = hits_[c];
    counts.fp = fired_[c] - hits_[c];
    counts.fn = count[static_cast<size_t>(cell.value)] - hits_[c];
    counts.tn =
        static_cast<int64_t>(test_.row.size()) - unknown - counts.tp - counts.fp - counts.fn;
    return counts.mcc();
  }

  const LabelledRows& rows_;
  const TestRows& test_;
  std::vector<int16_t> slot_;
  std::vector<Entry> entries_;
  std::vector<int64_t> hits_, fired_;
};

/// Maxima of all permutations for the kinds that `within_language` moves: (kinds, permutations).
std::vector<std::vector<double>> maxima_of(const Postings& postings, const LabelledRows& rows,
                                           std::span<const CellsOfUnit> units, bool within_language,
                                           const KindFlags& kinds, const NullOptions& options,
                                           Progress& progress) {
  std::vector<std::vector<double>> maxima(audio::kLabelKinds);
  for (auto& one : maxima) one.assign(static_cast<size_t>(options.permutations), 0);
  if (units.empty()) return maxima;
  const TestRows test(rows, kinds);
  const ItemStrata strata(rows, Side::test, within_language, options.block);
  constexpr int kBatch = 50;
  constexpr int64_t kPiece = 32;
  const auto n = static_cast<int64_t>(units.size());
  progress.start("null of the maximum", options.permutations, "permutations");
  for (int first = 0; first < options.permutations; first += kBatch) {
    throw_if_interrupted();
    const int count = std::min(kBatch, options.permutations - first);
    const Exchanges exchanges(rows, test, strata, first, count, options.seed);
    std::vector<std::vector<std::vector<double>>> pieces(
        static_cast<size_t>((n + kPiece - 1) / kPiece));
    parallel_ranges(n, kPiece, [&](int64_t piece, int64_t begin, int64_t end) {
      auto& mine = pieces[static_cast<size_t>(piece)];
      mine.assign(audio::kLabelKinds, std::vector<double>(static_cast<size_t>(count), 0));
      NullOfUnit null(rows, test);
      for (auto u = static_cast<size_t>(begin); u < static_cast<size_t>(end); ++u)
        null.add(postings.rows(units[u].unit), postings.values(units[u].unit), units[u].cells,
                 exchanges, mine);
    });
    for (const auto& piece : pieces)
      for (size_t kind = 0; kind < piece.size(); ++kind)
        for (size_t p = 0; p < piece[kind].size(); ++p) {
          double& most = maxima[kind][static_cast<size_t>(first) + p];
          most = std::max(most, piece[kind][p]);
        }
    progress.advance(first + count);
  }
  progress.finish();
  return maxima;
}

bool enough_clusters(const Postings& postings, const LabelledRows& rows, const Cell& cell,
                     int least) {
  std::vector<int32_t> firing, holding;
  const auto fired = postings.rows(cell.unit);
  const auto values = postings.values(cell.unit);
  const auto note = [&](std::vector<int32_t>& seen, int64_t row) {
    const int32_t cluster = rows.cluster(rows.item(row));
    if (static_cast<int>(seen.size()) < least &&
        std::find(seen.begin(), seen.end(), cluster) == seen.end())
      seen.push_back(cluster);
  };
  for (size_t e = 0; e < fired.size(); ++e)
    if (values[e] >= cell.threshold && rows.side(fired[e]) == Side::test) note(firing, fired[e]);
  for (const int32_t row : rows.rows_of(cell.value))
    if (rows.side(row) == Side::test) note(holding, row);
  return static_cast<int>(firing.size()) >= least && static_cast<int>(holding.size()) >= least;
}

}  // namespace

bool tested_exactly(const LabelledRows& rows, audio::LabelKind kind, const NullOptions& options) {
  return kind == audio::LabelKind::word || kind == audio::LabelKind::morpheme ||
         rows.values_of(kind).second > options.most_values;
}

void test_against_chance(const Postings& postings, const LabelledRows& rows,
                         std::span<Cell* const> cells, const NullOptions& options,
                         Progress& progress) {
  std::array<std::vector<Cell*>, 2> permuted;  // between languages, within
  std::vector<Cell*> exact;
  std::array<KindFlags, 2> kinds{};
  for (Cell* cell : cells) {
    const audio::LabelKind kind = rows.kind(cell->value);
    cell->p = 1;
    if (tested_exactly(rows, kind, options)) {
      exact.push_back(cell);
      continue;
    }
    if (!enough_clusters(postings, rows, *cell, options.least_clusters)) {
      cell->p_method = fmt::format("fewer than {} clusters on test", options.least_clusters);
      continue;
    }
    const size_t within = exchanged_within_language(kind) ? 1 : 0;
    permuted[within].push_back(cell);
    kinds[within][static_cast<size_t>(kind)] = true;
  }
  for (const size_t within : {size_t{0}, size_t{1}}) {
    const auto units = by_unit(permuted[within]);
    const auto maxima =
        maxima_of(postings, rows, units, within == 1, kinds[within], options, progress);
    for (Cell* cell : permuted[within]) {
      const auto& most = maxima[static_cast<size_t>(rows.kind(cell->value))];
      const double seen = cell->test.mcc();
      const auto hits =
          std::count_if(most.begin(), most.end(), [&](double m) { return m >= seen - 1e-12; });
      cell->p = (1 + static_cast<double>(hits)) / (1 + static_cast<double>(most.size()));
      cell->p_method = fmt::format("maximum over {} features, {} permutations of clips{}",
                                   units.size(), most.size(), within == 1 ? " of a language" : "");
    }
  }
  exact_tests(postings, rows, exact, options, progress);
}

}  // namespace otoscope::features
