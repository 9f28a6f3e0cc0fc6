#include "otoscope/features/meaning.h"

#include <algorithm>

#include "otoscope/core/interrupt.h"
#include "otoscope/features/coded_rows.h"
#include "otoscope/features/name.h"

namespace otoscope::features {

Meaning find_meaning(const Postings& postings, const LabelledRows& rows,
                     std::span<const Estimate> shift, const MeaningOptions& options,
                     Progress& progress) {
  Meaning meaning;
  meaning.associations = associate(postings, rows, options.association, progress);
  meaning.verdicts = categorise(postings, rows, meaning.associations, shift, options.category,
                                options.null, progress);
  for (size_t u = 0; u < meaning.verdicts.size(); ++u)
    meaning.names.push_back(rule_name(rows, meaning.associations.cells[u], meaning.verdicts[u]));
  return meaning;
}

Column column_of(std::string name, const Postings& postings, const Meaning& meaning) {
  Column column;
  column.name = std::move(name);
  column.units = postings.units();
  for (size_t u = 0; u < meaning.verdicts.size(); ++u) {
    const Verdict& verdict = meaning.verdicts[u];
    const auto category = static_cast<size_t>(verdict.category);
    ++column.counts[category];
    if (verdict.category != Category::silent) ++column.firing;
    if (!is_named(verdict.category)) continue;
    const Cell& cell = meaning.associations.cells[u][static_cast<size_t>(verdict.cell)];
    column.best_f1[category] = std::max(column.best_f1[category], cell.test.f1());
  }
  return column;
}

std::string standing(const std::vector<Column>& columns, Category category) {
  const auto c = static_cast<size_t>(category);
  const auto share = [&](const Column& column) {
    return column.firing > 0
               ? static_cast<double>(column.counts[c]) / static_cast<double>(column.firing)
               : 0;
  };
  const double own = share(columns.front());
  if (own == 0) return "none found";
  for (size_t i = 1; i < columns.size(); ++i)
    if (!columns[i].ceiling &&
        (2 * share(columns[i]) >= own || 2 * columns[i].counts[c] >= columns.front().counts[c]))
      return "not shown: " + columns[i].name;
  return "shown";
}

Postings postings_of(const sae::Sae& sae, const store::Store& store, Progress& progress) {
  check_sae_fits(sae, store);
  ChosenRows all = choose_rows(store, store::Split::all);
  return {code_rows(sae, store, all, "encode rows", progress), sae.F()};
}

}  // namespace otoscope::features
