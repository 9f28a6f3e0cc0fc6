#pragma once
/// One pass over a store: what each feature fires on (methods.md §4.1). Memory grows with features
/// and clusters, not with rows.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/sae/sae.h"
#include "otoscope/store/store.h"

namespace otoscope::features {

/// The strongest frame of a feature in one item.
struct Peak {
  float value = 0;
  int64_t row = -1;
  int32_t item = -1;
  int32_t frame = 0;
};

/// What is known of a row besides its activation; one value per row of the store.
/// loudness_db: level of the 20 ms around the row, in dB relative to full scale; NaN where there is
/// no audio.
struct RowFacts {
  std::vector<float> loudness_db;
  /// Rows quieter than this are silence: 35 dB under the loudest frame of their item.
  std::vector<uint8_t> silent;
};

/// Sums over the rows of one split, per feature.
struct Tally {
  int64_t rows = 0;
  std::vector<int64_t> fired;          // (F)
  std::vector<double> value_sum;       // (F)
  std::vector<float> value_max;        // (F)
  std::vector<int64_t> cluster_rows;   // (C)
  std::vector<float> cluster_fired;    // (C, F): firing rows per cluster and feature
  std::vector<std::string> languages;  // names, sorted
  std::vector<int64_t> language_rows;  // (L)
  std::vector<float> language_fired;   // (L, F)
  /// Per cluster and language, for intervals of language shares: (C, L, F) is too large; kept as
  /// (L) tallies of (C, F) only when there are at most 8 languages.
  std::vector<std::vector<float>> cluster_language_fired;   // [l]: (C, F)
  std::vector<std::vector<int64_t>> cluster_language_rows;  // [l]: (C)
  int64_t position_bins = 0;
  std::vector<int64_t> position_rows;  // (P)
  std::vector<float> position_fired;   // (P, F)
  int64_t silent_rows = 0;
  std::vector<int64_t> silent_fired;    // (F)
  std::vector<double> loudness_sum;     // (F): sum of loudness over firing rows with audio
  std::vector<int64_t> loudness_count;  // (F)
  double loudness_mean = 0, loudness_variance = 0;  // over all rows with audio
  std::vector<std::string> clusters;                // names
  /// Distinct items each feature fired in, and the share of its firings in its most frequent item.
  std::vector<int64_t> items_fired;   // (F)
  std::vector<int64_t> largest_item;  // (F)
};

struct EvidenceOptions {
  int top = 12;            // strongest examples per feature, one per item
  int quantiles = 5;       // equal-count bins of positive values, …
  int per_quantile = 2;    // … and examples from each
  int position_bins = 30;  // windows of 30 s in seconds
  int64_t block = 4096;    // rows per step
  uint64_t seed = 0;
};

struct Evidence {
  Tally tally;                                           // the statistics split
  std::vector<std::vector<Peak>> top;                    // (F): strongest first, distinct items
  std::vector<std::vector<std::vector<Peak>>> quantile;  // (F)(quantiles, weakest first)(examples)
};

/// Statistics over `statistics_split`; examples over all splits.
Evidence gather_evidence(const sae::Sae& sae, const store::Store& store,
                         store::Split statistics_split, const RowFacts& facts,
                         const EvidenceOptions& options, Progress& progress);

/// Loudness and silence of every row, from the items' audio. Items whose audio is gone get NaN.
RowFacts row_facts(const store::Store& store, Progress& progress);

}  // namespace otoscope::features
