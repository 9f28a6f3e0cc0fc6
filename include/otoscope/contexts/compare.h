#pragma once
/// Can two contexts be told apart, by what, and does it matter: one pair of sets, all tests, with
/// their controls, as JSON (docs/contexts.md).

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/contexts/direction.h"
#include "otoscope/contexts/gather.h"
#include "otoscope/contexts/overlap.h"
#include "otoscope/contexts/sets.h"
#include "otoscope/contexts/tests.h"
#include "otoscope/contexts/verdict.h"
#include "otoscope/core/options.h"

namespace otoscope::contexts {

struct CompareOptions {
  int permutations = 999, folds = 5, replicates = 1000;
  double ridge = 1, caliper = .25;
  int shown = 20;  // features listed

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("permutations", o.permutations, "of whole groups, the fit repeated in each", Range{19, 1e6});
    v("folds", o.folds, "of cross-validation, groups kept whole", Range{2, 100});
    v("replicates", o.replicates, "of bootstraps over groups", Range{20, 1e6});
    v("ridge", o.ridge, "of the discriminant, in units of the mean squared norm", Range{1e-6, 1e6});
    v("caliper", o.caliper, "matched items differ by no more deviations in any nuisance",
      Range{0, 10});
    v("shown", o.shown, "features listed", Range{1, 1000});
  }
};

/// All that was gathered of one pair of sets, items of the first before those of the second.
struct Comparison {
  std::string first, second;
  Items items;
  Gathered trained;
  std::optional<Gathered> shuffled;     // the same items by the model with shuffled weights
  std::optional<Gathered> known_shift;  // positive control: items of the first set, changed …
  std::vector<Step> known_steps;        // … by these; the first so many items in order
  std::optional<std::vector<steer::Heard>> steered;  // with a recipe
  std::optional<SideCircuits> circuits;              // of both contexts
  std::optional<Directed> directed;                  // moved along what separates them
  std::vector<std::string> names;                    // (F) of features, empty where unknown
};

/// One element of `comparisons` in contexts.json. Takes gathered tables only: no model runs.
nlohmann::ordered_json compare(const Comparison& comparison, const CompareOptions& options,
                               uint64_t seed, Progress& progress = silent_progress());

/// Tables for a terminal.
struct TextTable {
  std::string title;
  std::vector<std::vector<std::string>> rows;
  std::string note;
};
std::vector<TextTable> contexts_tables(const nlohmann::ordered_json& contexts);

/// (F) names from a features.sqlite, "" where unnamed; empty where there is no file.
std::vector<std::string> feature_names(const std::filesystem::path& database, int64_t F);

}  // namespace otoscope::contexts
