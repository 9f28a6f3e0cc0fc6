#pragma once
/// Does a feature mean the same in two languages? (methods.md §4.9)
///   J = 1 - JSD_2(p(label | fires, a), p(label | fires, b)), S = min / max of the precision of the
///   feature's label in a and b. Both at equal counts, over prompts that the two sides do not
/// share, beside the ceiling (two halves of one language) and the floor (another feature).

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "otoscope/core/statistics.h"
#include "otoscope/kernels/sparse.h"

namespace otoscope::features {

/// Rows with one label each. Rows without a label, or of no language, are -1 and count for nothing.
struct LabelledSpeech {
  std::vector<int32_t> label;     // (rows): below values
  std::vector<int32_t> language;  // (rows): below languages
  std::vector<int32_t> cluster;   // (rows): below clusters
  int64_t values = 0, languages = 0, clusters = 0;
};

struct SharingOptions {
  int64_t least = 12;  // firings with a label that each half of each language needs
  int64_t most = 100;  // compared at most
  int draws = 4;       // drawings of equal counts
  uint64_t seed = 0;
};

/// One feature in one language pair; NaN where it fires too rarely.
struct FeatureSharing {
  int64_t n = 0;  // firings compared, on each side
  double across = 0, within = 0, other = 0;
};

/// Means over the features of a pair that fire enough. Intervals leave out one of 19 groups of
/// clusters at a time.
struct PairSharing {
  int32_t a = 0, b = 0;
  int64_t features = 0;
  int64_t labels = 0;  // that both languages have: firings on others are left out
  Estimate across;     // J between the languages
  Estimate within;     // J between two halves of one language: what 1 would look like here
  Estimate other;      // J between a feature in a and another one in b: what 0 would look like
  Estimate shared;     // (across - other) / (within - other)
  std::vector<FeatureSharing> by_feature;  // (F)
};

/// All pairs of languages. codes: the rows of `speech`.
std::vector<PairSharing> measure_sharing(const SparseRows& codes, int64_t F,
                                         const LabelledSpeech& speech,
                                         const SharingOptions& options);

/// The label that a feature goes with, and how well in each language.
struct LabelPrecision {
  int32_t label = -1;  // most precise on the choosing rows, -1: none fires enough
  double chosen = 0;   // its precision there
  std::vector<double>
      by_language;  // on test; NaN where fewer than `least` firings or no such label
  /// min / max over a pair's languages; NaN where one is unknown.
  double ratio(int32_t a, int32_t b) const;
};
std::vector<LabelPrecision> label_precisions(const SparseRows& choosing,
                                             const LabelledSpeech& choosing_rows,
                                             const SparseRows& test,
                                             const LabelledSpeech& test_rows, int64_t F,
                                             int64_t least = 20);

/// Firing rates of every feature in two languages over the prompts that both have.
struct RateDifference {
  int32_t a = 0, b = 0;
  int64_t features = 0, prompts = 0;  // features with at least `least` firings in both together
  std::vector<float> log2_ratio;  // (F): of rates in a and b, each with half a firing added; NaN
  std::vector<int64_t> fired_a, fired_b;  // (F)
  /// Share of features at least four times as frequent in one of the two, beside the same with the
  /// languages of each prompt exchanged by chance (mean, and its 95 % quantile), and p.
  Estimate fourfold;
  double fourfold_chance = 0, fourfold_chance_95 = 0, p = 1;
};
std::vector<RateDifference> rate_differences(const SparseRows& codes, int64_t F,
                                             std::span<const int32_t> language,
                                             std::span<const int32_t> cluster, int64_t languages,
                                             int64_t clusters, int64_t least, int permutations,
                                             uint64_t seed);

}  // namespace otoscope::features
