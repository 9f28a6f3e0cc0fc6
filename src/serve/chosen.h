#pragma once
/// Which features a report shows, and why: some for what they go with, some by lot, some because
/// they are bad.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "otoscope/core/statistics.h"
#include "serve/meaning.h"

namespace otoscope::serve {

struct LanguageShare {
  std::string language;
  double share = 0, low = 0, high = 0, lift = 0;
  int64_t fired = 0;
};

struct Example {
  std::string kind;  // "top", "quantile 1" …
  int rank = 0;
  int64_t item = 0, frame = 0, first_frame = 0;
  double value = 0;
  std::string trace;  // 0..255 per frame, from first_frame on
  std::string path, language, split, text, name;
  double offset_s = 0, duration_s = 0;
};

struct ChosenFeature {
  int64_t id = 0;
  std::string why;  // "many of its strongest clips hold the word “saturday”"
  int shared_examples = 0, shared_of = 0;  // of its strongest clips, how many hold that word
  std::string group;                       // "words", "language", "sound", "lot", "bad", "category"
  std::string state, association;
  int64_t fired = 0, items = 0, clusters = 0;
  double rate = 0, rate_low = 0, rate_high = 0, max_value = 0, largest_item_share = 0;
  double silent_share = 0, loudness_z = 0, position_eta = 0;
  std::optional<double> shift_share, shift_low, shift_high;
  int64_t shift_n = 0;
  std::optional<FeatureMeaning> meaning;  // of a database made with labels
  std::optional<ModelsName> models_name;
  std::vector<LanguageShare> languages;
  std::vector<Example> examples;
};

/// Counts over all features of a database.
struct FeatureCounts {
  int64_t features = 0, unnamed = 0;
  std::map<std::string, int64_t> states, associations;
};

struct ChoiceOptions {
  int words = 8, language = 4, sound = 4, lot = 6, bad = 4;
  int examples = 6;  // the strongest, with one of each of the lower quantiles among them
  int per_category = 3, category_examples = 3;
  uint64_t seed = 0;
};

FeatureCounts count_features(const std::filesystem::path& database);
std::vector<ChosenFeature> choose_features(const std::filesystem::path& database,
                                           const ChoiceOptions& options);

/// The strongest features of a category (meaning.h); none where there are no labels.
std::vector<ChosenFeature> choose_of_category(const std::filesystem::path& database,
                                              const std::string& category,
                                              const ChoiceOptions& options);

}  // namespace otoscope::serve
