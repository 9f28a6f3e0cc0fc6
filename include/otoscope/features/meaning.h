#pragma once
/// From labels to names, for features and for what must not do as well: one code path, one table
/// of counts by category with a column for each (methods.md §3.8).

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/features/association.h"
#include "otoscope/features/category.h"
#include "otoscope/features/null.h"
#include "otoscope/sae/sae.h"

namespace otoscope::features {

struct MeaningOptions {
  AssociationOptions association;
  CategoryOptions category;
  NullOptions null;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    AssociationOptions::visit(o.association, v);
    CategoryOptions::visit(o.category, v);
    NullOptions::visit(o.null, v);
  }
};

struct Meaning {
  Associations associations;
  std::vector<Verdict> verdicts;   // (units)
  std::vector<std::string> names;  // (units), "" where unnamed
};

Meaning find_meaning(const Postings& postings, const LabelledRows& rows,
                     std::span<const Estimate> shift, const MeaningOptions& options,
                     Progress& progress);

/// One column: what was described, and how many units fell into each category.
struct Column {
  std::string name;  // "features", "shuffled labels", "shuffled model", "random directions",
                     // "neurons", "log-mel", "linear probe"
  std::string note;
  int64_t units = 0, firing = 0;
  std::array<int64_t, kCategories> counts{};
  std::array<double, kCategories> best_f1{};  // the largest on test among the category's units
  bool ceiling = false;                       // no control: what labels in hand can do
};
Column column_of(std::string name, const Postings& postings, const Meaning& meaning);

/// "shown", or "not shown" where a control names at least half as many units as the first column
/// does, as a count or as a share of the units that fire, or "none found".
std::string standing(const std::vector<Column>& columns, Category category);

struct ControlOptions {
  /// "shuffled-labels", "shuffled-model", "random", "neurons", "mel", "probe"; empty: all that the
  /// inputs allow; "none": none.
  std::vector<std::string> controls;
  std::string shuffled_sae, shuffled_activations;
  uint64_t seed = 0;
};

/// UserError where a control is none.
void check_controls(const ControlOptions& which);

/// A column per control. `labels` are of the store's rows; `clips` serve the shuffled model's
/// store.
std::vector<Column> control_columns(const store::Store& store, const labels::RowLabels& labels,
                                    std::span<const audio::ClipLabels> clips,
                                    const Postings& features, const MeaningOptions& options,
                                    const ControlOptions& which, Progress& progress);

/// Firings of an SAE on all rows of a store.
Postings postings_of(const sae::Sae& sae, const store::Store& store, Progress& progress);

/// categories.json (docs/features.md).
nlohmann::ordered_json categories_json(const std::vector<Column>& columns, const LabelledRows& rows,
                                       const MeaningOptions& options);
/// The columns of a categories.json; `best_f1` and notes included.
std::vector<Column> read_columns(const std::filesystem::path& path);

}  // namespace otoscope::features
