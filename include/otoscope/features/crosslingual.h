#pragma once
/// What features share between languages (methods.md §4.9): labels, firing rates, and whether
/// translations of a sentence look alike. As crosslingual.json and the tables `crosslingual` and
/// `translations` of features.sqlite (docs/structure.md).

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/audio/labels.h"
#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"
#include "otoscope/features/parallel.h"
#include "otoscope/features/sharing.h"
#include "otoscope/sae/sae.h"
#include "otoscope/store/store.h"

namespace otoscope::features {

struct CrosslingualOptions {
  std::string kind = "phone";
  int permutations = 999;
  int64_t least_firings = 20;
  int64_t learning_rows = 131072;
  uint64_t seed = 0;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("kind", o.kind, "kind of label whose sharing is measured, one value at a time");
    v("permutations", o.permutations, "exchanges of clips and languages for each null",
      Range{99, 1e6});
    v("least-firings", o.least_firings, "firings that a feature needs to be compared",
      Range{1, 1e9});
    v("learning-rows", o.learning_rows, "train and dev rows on which labels are chosen, 0 = all",
      Range{0, 1e12});
  }
};

/// An SAE with its rows; controls may have a store of their own.
struct CrosslingualSae {
  std::string name;
  const sae::Sae* sae = nullptr;
  const store::Store* store = nullptr;
  /// Category of each feature (read_categories), or empty: translations by category.
  std::vector<std::string> categories = {};
};

/// A representation in the search for translations, with the centring that did best on train and
/// dev.
struct RepresentationResult {
  std::string of;    // the SAE, or empty for what is not of an SAE
  std::string what;  // "features", "activations", "log-mel", "length", "letters"
  std::string pool;
  Centre centre = Centre::none;
  double learning_mrr = 0;
  bool chosen = false;  // the best of its kind on train and dev: the one to quote
  RetrievalResult result;
};

/// Does a feature go with what is said? Correlation over translations of its largest activation.
struct Translations {
  int64_t features = 0;  // that fire in at least five clips
  std::vector<float> r;  // (F); NaN where it fires too rarely
  std::vector<float> q;  // (F): Benjamini-Hochberg over them
  int64_t significant = 0;
  double mean_r = 0, chance_r = 0;  // real, and with clips exchanged among prompts of like length
};

/// Translations looked for with the features of one category alone.
struct CategoryResult {
  std::string category;
  int64_t features = 0;
  RepresentationResult search;
  double mean_r = 0;  // over those that fire in at least five clips; NaN: none does
  int64_t significant = 0;
};

struct SaeCrosslingual {
  std::string name;
  std::vector<RateDifference> rates;
  std::vector<PairSharing> sharing;       // empty without labels
  std::vector<LabelPrecision> precision;  // (F), empty without labels
  Translations translations;
  std::vector<CategoryResult> categories;  // by name; of the SAE alone
};

struct Crosslingual {
  std::vector<std::string> languages;
  std::vector<std::vector<std::string>> speakers;  // by language
  std::vector<SaeCrosslingual> saes;               // the SAE first, then controls
  std::vector<RepresentationResult> retrieval;
  std::vector<std::string> label_values;
  int64_t test_rows = 0, labelled_rows = 0, clusters = 0, prompts = 0, clips = 0;
  std::string store_hash, sae_hash, labels_source;
  CrosslingualOptions options;

  nlohmann::ordered_json json() const;
};

/// labels: of the store's clips, or none. UserError where fewer than two languages have prompts in
/// common, or the kind may hold several values at once.
Crosslingual measure_crosslingual(const std::vector<CrosslingualSae>& saes,
                                  const std::optional<std::vector<audio::ClipLabels>>& labels,
                                  const CrosslingualOptions& options, Progress& progress);

/// The column `category` of the table `categories` of features.sqlite, by feature; empty where
/// there is no such table.
std::vector<std::string> read_categories(const std::filesystem::path& database, int64_t F);

/// Writes the tables `crosslingual` (feature, a, b, j, j_within, log2_rate_ratio, fired_a, fired_b,
/// s) and `translations` (feature, r, q), replacing earlier ones.
void write_crosslingual(const std::filesystem::path& database, const Crosslingual& result);

}  // namespace otoscope::features
