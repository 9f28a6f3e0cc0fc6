#pragma once
/// Which of a few languages a short text is written in: multinomial naive Bayes over character
/// n-grams of words (orders 1 to 4, spaces at both ends), add-half smoothing, equal priors (Cavnar
/// & Trenkle 1994 for the n-grams). It knows only the languages that it was shown; its accuracy is
/// measured on texts that it was not.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "otoscope/core/statistics/estimate.h"
#include "otoscope/store/manifest.h"
#include "otoscope/store/store.h"

namespace otoscope::steer {

class TextLanguage {
 public:
  /// Learns from (language, text) pairs. UserError for fewer than two languages.
  explicit TextLanguage(std::span<const std::pair<std::string, std::string>> texts);
  /// Of a manifest's clips in the training split with text.
  static TextLanguage of_manifest(const store::Manifest& manifest);

  const std::vector<std::string>& languages() const { return languages_; }
  /// The likeliest language, or "" for a text without letters.
  std::string guess(std::string_view text) const;
  /// Log-likelihoods by language, in the order of languages(); empty for a text without letters.
  std::vector<double> scores(std::string_view text) const;

 private:
  std::vector<std::string> languages_;
  std::unordered_map<std::string, std::vector<int32_t>> counts_;  // n-gram -> per language
  std::vector<std::vector<double>> totals_;                       // [order - 1][language]
  std::vector<double> kinds_;                                     // [order - 1]: distinct n-grams
};

/// Words between spaces, after the basic normaliser.
int count_words(std::string_view text);

/// Share of right guesses on the split's texts of `min_words` or more, clusters resampled; by
/// language too.
struct TextLanguageAccuracy {
  Estimate all;
  std::map<std::string, Estimate> by_language;
};
TextLanguageAccuracy text_language_accuracy(const TextLanguage& guesser,
                                            const store::Manifest& manifest, store::Split split,
                                            uint64_t seed, int min_words = 1);

}  // namespace otoscope::steer
