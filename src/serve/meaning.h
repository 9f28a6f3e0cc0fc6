#pragma once
/// What `describe --labels` found of a feature: its category, its name, and the claim behind it
/// with the figures of the test split (docs/features.md).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/core/statistics/estimate.h"
#include "otoscope/io/sqlite.h"

namespace otoscope::serve {

/// An association that held or fell: "fires where the label is".
struct Claim {
  std::string kind, value;  // "phone", "iː"
  Estimate precision, recall, f1;
  double base = 0;  // share of the test rows that hold the label: chance's precision
  double lift = 0, auroc = 0;
  int64_t fired = 0;  // test rows on which it fires
  int64_t events = 0, event_clusters = 0, test_events = 0;
  std::optional<double> onset, offset;  // median, in rows after the label's own edge
  std::optional<double> p;
  std::string p_method;
};

/// A name by a language model, and how many moments of test it tells apart with it
/// (docs/features.md).
struct ModelsName {
  std::string model, name;
  struct Score {
    int64_t right, of;
  };
  std::optional<Score> own, rule, shuffled;
};

struct FeatureMeaning {
  std::string category;
  std::string name;    // without the figures, which stand apart; "" where it has none
  std::string failed;  // of what is unnamed: the first test that its claim failed
  std::optional<Claim> claim;
};

/// Nothing where no model was asked, or its answer was no name.
std::optional<ModelsName> models_name_of(const io::Database& db, int64_t feature);

/// False for a database that was made without labels.
bool has_meaning(const io::Database& db);
/// UserError if there are none.
FeatureMeaning meaning_of(const io::Database& db, int64_t feature);
/// The strongest features of a category, by the lower end of their F1 on test; other labels before
/// the same label again.
std::vector<int64_t> strongest_of(const io::Database& db, const std::string& category, int count);

nlohmann::json to_json(const FeatureMeaning& meaning);
nlohmann::json to_json(const ModelsName& name);

}  // namespace otoscope::serve
