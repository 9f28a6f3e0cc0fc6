#include "otoscope/features/category.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "features/rivals.h"
#include "features/sound_alike.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"

namespace otoscope::features {
namespace {

constexpr std::string_view kNames[kCategories] = {
    "phonetic",       "lexical", "syntactic",  "morphological", "semantic",
    "positional",     "noise",   "language",   "speaker",       "language or speaker",
    "position-bound", "unnamed", "never fires"};

int64_t least_words(Category category, const CategoryOptions& options) {
  if (category == Category::morphological) return options.stems;
  if (category == Category::syntactic) return options.words;
  return category == Category::semantic ? options.senses : 0;
}

/// Why a cell may not stand for election; empty: it may.
std::string unfit(const Cell& cell, const LabelledRows& rows, const CategoryOptions& options) {
  if (category_of(rows.kind(cell.value)) == Category::unnamed)
    return std::string(audio::label_kind_name(rows.kind(cell.value))) + " is no category";
  if (cell.chosen.precision() < options.precision) return "precision on train and dev";
  if (cell.chosen.lift() < options.lift) return "lift on train and dev";
  if (cell.events < options.events || cell.event_clusters < options.clusters)
    return "too few events or clusters";
  return {};
}

/// Holds the rivals fixed, counts the words. Fills the verdict; returns why the claim falls.
std::string beaten(const Strata& strata, const Postings& postings, const LabelledRows& rows,
                   const Cell& cell, const CategoryOptions& options, Verdict& verdict) {
  const audio::LabelKind kind = rows.kind(cell.value);
  verdict.category = category_of(kind);
  verdict.survivals.clear();
  for (const audio::LabelKind rival : rivals_of(kind)) {
    if (!rows.present(rival)) continue;
    verdict.survivals.push_back({rival, strata.odds(postings, cell, rival)});
    if (!(verdict.survivals.back().odds >= options.odds))
      return fmt::format("explained by {}", audio::label_kind_name(rival));
  }
  if (const int64_t least = least_words(verdict.category, options);
      least > 0 && rows.present(audio::LabelKind::word)) {
    const auto words = strata.words_of(postings, cell);
    verdict.distinct_words = static_cast<int64_t>(words.size());
    if (verdict.distinct_words < least) return fmt::format("fewer than {} words", least);
    // Without its most frequent word it must still be right; a meaning also without all that sound
    // like that word.
    const bool by_sound =
        verdict.category == Category::semantic && rows.present(audio::LabelKind::phone);
    const std::string most = by_sound ? strata.skeleton_of(words.front().word) : std::string();
    int64_t rest = cell.chosen.tp - words.front().rows;
    for (size_t w = 1; by_sound && w < words.size(); ++w)
      if (sound_alike(strata.skeleton_of(words[w].word), most)) rest -= words[w].rows;
    if (static_cast<double>(rest) < options.precision * static_cast<double>(rest + cell.chosen.fp))
      return by_sound ? "one sound explains it" : "one word explains it";
    if (rest <= 0) return "one sound explains it";
  }
  if (verdict.category == Category::language && rows.present(audio::LabelKind::speaker)) {
    verdict.survivals.push_back(
        {audio::LabelKind::speaker, strata.odds(postings, cell, audio::LabelKind::speaker)});
    if (!(verdict.survivals.back().odds >= options.odds))
      verdict.category = Category::language_or_speaker;
  }
  return {};
}

std::string fallen_on_test(const Cell& cell, const CategoryOptions& options) {
  if (cell.test.precision() < options.precision)
    return fmt::format("precision {:.2f} on test", cell.test.precision());
  if (cell.test.lift() < options.lift) return fmt::format("lift {:.1f} on test", cell.test.lift());
  if (cell.test_events < options.test_events)
    return fmt::format("{} events on test", cell.test_events);
  if (!(cell.p <= options.p)) return fmt::format("p {:.3f} on test", cell.p);
  return {};
}

}  // namespace

std::string_view category_name(Category category) { return kNames[static_cast<size_t>(category)]; }

std::vector<Verdict> categorise(const Postings& postings, const LabelledRows& rows,
                                Associations& associations, std::span<const Estimate> shift,
                                const CategoryOptions& options, const NullOptions& null,
                                Progress& progress) {
  const Strata strata(rows);
  std::vector<Verdict> verdicts(static_cast<size_t>(postings.units()));
  progress.start("weigh rival explanations", postings.units(), "units");
  constexpr int64_t kStep = 1024;
  for (int64_t first = 0; first < postings.units(); first += kStep) {
    throw_if_interrupted();
    const int64_t n = std::min(kStep, postings.units() - first);
    parallel_ranges(n, 16, [&](int64_t begin, int64_t end) {
      for (auto u = static_cast<size_t>(first + begin); u < static_cast<size_t>(first + end); ++u) {
        Verdict& verdict = verdicts[u];
        if (!shift.empty() && shift[u].n > 0) verdict.shift_share = shift[u].value;
        const auto& cells = associations.cells[u];
        if (cells.empty()) {
          verdict.category =
              postings.count(static_cast<int64_t>(u)) == 0 ? Category::silent : Category::unnamed;
          verdict.failed = "no label goes with it";
          continue;
        }
        if (verdict.shift_share >= 0 && verdict.shift_share < options.shift) {
          verdict.category = Category::position_bound;
          continue;
        }
        for (size_t c = 0; c < cells.size() && verdict.cell < 0; ++c) {
          Verdict attempt = verdict;
          std::string why = unfit(cells[c], rows, options);
          if (why.empty()) why = beaten(strata, postings, rows, cells[c], options, attempt);
          if (why.empty()) {
            verdict = attempt;
            verdict.cell = static_cast<int32_t>(c);
          } else if (c == 0) {
            verdict.failed = why;  // of its best label
          }
        }
      }
    });
    progress.advance(first + n);
  }
  progress.finish();

  std::vector<Cell*> claims;
  for (size_t u = 0; u < verdicts.size(); ++u)
    if (verdicts[u].cell >= 0)
      claims.push_back(&associations.cells[u][static_cast<size_t>(verdicts[u].cell)]);
  test_against_chance(postings, rows, claims, null, progress);
  for (size_t u = 0; u < verdicts.size(); ++u) {
    Verdict& verdict = verdicts[u];
    if (verdict.cell < 0) continue;
    verdict.failed =
        fallen_on_test(associations.cells[u][static_cast<size_t>(verdict.cell)], options);
    if (!verdict.failed.empty()) verdict.category = Category::unnamed;
  }
  return verdicts;
}

}  // namespace otoscope::features
