#pragma once
/// The table `model_names` of features.sqlite.

#include <optional>
#include <string>
#include <vector>

#include "otoscope/io/sqlite.h"

namespace otoscope::features {

/// Right answers of `of` in one question; absent: not asked, or the answer was unusable.
struct Detection {
  int64_t right = 0, of = 0;
  double accuracy() const { return static_cast<double>(right) / static_cast<double>(of); }
};

struct ModelName {
  int64_t feature = 0;
  std::string name;       // "" where the answer was no name
  std::string rule_name;  // "" where it has none
  std::string other;      // the name of another feature
  std::optional<Detection> own, rule, shuffled;
  bool asked = false;  // the questions with `own`, `rule` and `other` were put
};

/// What the answers depend on beside the database: rows of another key are dropped.
void open_model_names(io::Database& db, const std::string& key);
std::vector<ModelName> read_model_names(const io::Database& db);
/// Replaces the feature's row, in a transaction of its own.
void write_model_name(io::Database& db, const ModelName& name);

}  // namespace otoscope::features
