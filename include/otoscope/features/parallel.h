#pragma once
/// Do clips that say the same in two languages look alike? (methods.md §4.9): each looks for its
/// translation among all clips of the other language.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "otoscope/core/statistics.h"
#include "otoscope/core/tensor.h"
#include "otoscope/store/store.h"

namespace otoscope::features {

/// Clips of a store by prompt and language. Only speech; only prompts in two languages or more.
struct ParallelClips {
  std::vector<std::string> languages, prompts;
  std::vector<int32_t> item;        // (prompts, languages): the store's item, -1: none
  std::vector<int32_t> clip;        // the same, as an index into `items`
  std::vector<int32_t> items;       // all of them, ascending
  std::vector<int32_t> language;    // (items): index into languages
  std::vector<double> seconds;      // (items)
  std::vector<int32_t> length_bin;  // (prompts): fifths by mean length

  int32_t at(size_t prompt, size_t lang) const { return clip[prompt * languages.size() + lang]; }
};
/// Of the split `name`, or of all but test ("train and dev"). Where a prompt has several clips in a
/// language, the first counts.
ParallelClips parallel_clips(const store::Store& store, bool test);

/// Clips' vectors made comparable between languages: nothing, minus the mean of their language, or
/// that divided by the deviation too; then of unit length.
enum class Centre : uint8_t { none, language, standard };
std::string_view centre_name(Centre centre);
/// Means and deviations are taken over `learning` clips of each language. x: (items, D).
struct Centring {
  Centre how = Centre::none;
  std::vector<std::string> languages;
  Tensor<float> mean;        // (languages, D)
  std::vector<float> scale;  // (D)
};
Centring fit_centring(Centre how, View<const float> x, const ParallelClips& learning);
/// The languages of `clips` must be among those of the fit.
Tensor<float> centred(View<const float> x, const ParallelClips& clips, const Centring& centring);

/// The search in one language pair, or over all (a and b empty).
struct Retrieval {
  std::string a, b;
  int64_t prompts = 0;
  Estimate top1, mrr;  // over queries in both directions; intervals resample prompts
  double chance_top1 = 0, chance_mrr = 0;
  double matched = 0, mismatched = 0;  // mean cosine of translations, and of other pairs
};
struct RetrievalResult {
  Retrieval all;
  std::vector<Retrieval> pairs;
  /// Clips of each language exchanged among prompts, freely or among prompts of like length: p of
  /// the mean cosine of translations.
  double p = 1, p_length = 1;
};
/// x: (items, D), unit rows. Ranks count ties in full (a clip that is as near stands before).
RetrievalResult retrieve(View<const float> x, const ParallelClips& clips, int permutations,
                         uint64_t seed);
/// Mean reciprocal rank alone, for choices.
double mean_reciprocal_rank(View<const float> x, const ParallelClips& clips);

}  // namespace otoscope::features
