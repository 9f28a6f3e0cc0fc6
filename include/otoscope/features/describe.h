#pragma once
/// What each feature hears: rates, examples and associations with language, clip, position,
/// loudness and silence, each with counts and intervals; with labels also what it goes with, its
/// category and a name. Into `features.sqlite`, and `categories.json` beside it (docs/features.md).

#include <filesystem>
#include <string>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/features/evidence.h"
#include "otoscope/features/meaning.h"
#include "otoscope/features/shift.h"

namespace otoscope::features {

struct DescribeOptions {
  std::string split = "test";
  std::vector<std::string>
      shifted;  // stores of the same test items: the first unshifted, the rest at other offsets
  int examples = 12;
  int per_quantile = 2;
  std::string labels;  // a file of labels (audio/label_lines.h); empty: no names
  MeaningOptions meaning;
  ControlOptions controls;
  uint64_t seed = 0;
};

struct DescribeSummary {
  std::filesystem::path database;
  int64_t features = 0, dead = 0, dense = 0, position_bound = 0, with_shift = 0;
  int64_t rows = 0, items = 0, clusters = 0;
  std::string clusters_by;
  /// With labels: categories.json, and its columns.
  std::filesystem::path categories;
  std::vector<Column> columns;
};

/// Writes SAE/features.sqlite (aside, then renamed). A finished database of the same inputs is
/// kept.
DescribeSummary describe(const sae::Sae& sae, const store::Store& store,
                         const DescribeOptions& options, Progress& progress);

/// A row of the search: features whose names or labels hold the words, then those whose examples'
/// texts do, the most frequent first.
struct Found {
  int64_t feature = 0;
  int64_t hits = 0, examples = 0;
  double rate = 0, shift_share = 0;
  std::string example_text;
  std::string category, name;  // empty where it was described without labels
};
std::vector<Found> search(const std::filesystem::path& database, const std::string& words,
                          int limit = 20);

}  // namespace otoscope::features
