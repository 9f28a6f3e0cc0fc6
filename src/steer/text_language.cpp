#include "otoscope/steer/text_language.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/core/statistics.h"
#include "otoscope/core/text.h"
#include "otoscope/model/normalizer.h"

namespace otoscope::steer {
namespace {

constexpr size_t kOrders = 4;
constexpr double kSmoothing = 0.5;

/// Code points of a text that is valid UTF-8 (a normaliser made it).
std::vector<std::string> characters(std::string_view word) {
  std::vector<std::string> all;
  for (size_t i = 0; i < word.size();) {
    const auto lead = static_cast<unsigned char>(word[i]);
    const size_t n = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    all.emplace_back(word.substr(i, n));
    i += n;
  }
  return all;
}

/// visit(order - 1, n-gram) for every word between spaces.
template <class Visit>
void for_each_gram(std::string_view text, Visit&& visit) {
  const std::string plain = model::normalize_basic(text);
  for (const std::string& word : split(trimmed(plain), ' ')) {
    if (word.empty()) continue;
    std::vector<std::string> letters{" "};
    for (std::string& c : characters(word)) letters.push_back(std::move(c));
    letters.emplace_back(" ");
    for (size_t order = 1; order <= kOrders; ++order)
      for (size_t i = order == 1 ? 1 : 0; i + order <= letters.size() - (order == 1 ? 1 : 0); ++i) {
        std::string gram;
        for (size_t k = 0; k < order; ++k) gram += letters[i + k];
        visit(order - 1, gram);
      }
  }
}

/// Clips with text in a split, whose prompts are nobody else's.
std::vector<store::Clip> texts_of(const store::Manifest& manifest, store::Split wanted) {
  std::vector<store::Clip> clips = manifest.clips;
  store::assign_splits(clips);
  std::erase_if(clips, [&](const store::Clip& c) {
    return !c.text || c.text->empty() || c.language.empty() || c.split.empty() ||
           (wanted != store::Split::all && store::split_named(c.split) != wanted);
  });
  return clips;
}

}  // namespace

TextLanguage::TextLanguage(std::span<const std::pair<std::string, std::string>> texts) {
  std::set<std::string> names;
  for (const auto& [language, text] : texts) names.insert(language);
  if (names.size() < 2)
    throw UserError("text language",
                    "expected texts in two languages or more, got " + std::to_string(names.size()));
  languages_.assign(names.begin(), names.end());
  totals_.assign(kOrders, std::vector<double>(languages_.size()));
  kinds_.assign(kOrders, 0);
  for (const auto& [language, text] : texts) {
    const auto l = static_cast<size_t>(
        std::lower_bound(languages_.begin(), languages_.end(), language) - languages_.begin());
    for_each_gram(text, [&](size_t order, const std::string& gram) {
      auto [found, fresh] = counts_.try_emplace(gram, languages_.size());
      if (fresh) kinds_[order] += 1;
      ++found->second[l];
      totals_[order][l] += 1;
    });
  }
}

TextLanguage TextLanguage::of_manifest(const store::Manifest& manifest) {
  std::vector<std::pair<std::string, std::string>> texts;
  for (const store::Clip& clip : texts_of(manifest, store::Split::train))
    texts.emplace_back(clip.language, *clip.text);
  return TextLanguage(texts);
}

std::vector<double> TextLanguage::scores(std::string_view text) const {
  std::vector<double> sums(languages_.size());
  bool any = false;
  for_each_gram(text, [&](size_t order, const std::string& gram) {
    any = true;
    const auto found = counts_.find(gram);
    for (size_t l = 0; l < sums.size(); ++l) {
      const double count = found == counts_.end() ? 0 : found->second[l];
      sums[l] +=
          std::log((count + kSmoothing) / (totals_[order][l] + kSmoothing * (kinds_[order] + 1)));
    }
  });
  return any ? sums : std::vector<double>{};
}

std::string TextLanguage::guess(std::string_view text) const {
  const std::vector<double> sums = scores(text);
  if (sums.empty()) return "";
  return languages_[static_cast<size_t>(std::max_element(sums.begin(), sums.end()) - sums.begin())];
}

int count_words(std::string_view text) {
  int words = 0;
  for (const std::string& word : split(trimmed(model::normalize_basic(text)), ' '))
    words += word.empty() ? 0 : 1;
  return words;
}

TextLanguageAccuracy text_language_accuracy(const TextLanguage& guesser,
                                            const store::Manifest& manifest, store::Split split,
                                            uint64_t seed, int min_words) {
  std::vector<store::Clip> clips = texts_of(manifest, split);
  std::erase_if(clips, [&](const store::Clip& c) { return count_words(*c.text) < min_words; });
  const bool by_speaker = store::clusters_by_speaker(manifest.clips);
  std::map<std::string, size_t> clusters;
  for (const auto& clip : clips)
    clusters.try_emplace(store::cluster_of(clip, by_speaker), clusters.size());
  std::map<std::string, std::array<std::vector<double>, 2>> sums;  // right, all
  std::map<std::string, int64_t> counts;
  for (const auto& clip : clips) {
    const size_t c = clusters.at(store::cluster_of(clip, by_speaker));
    const bool right = guesser.guess(*clip.text) == clip.language;
    for (const std::string& key : {std::string(), clip.language}) {
      auto& [hits, all] = sums[key];
      hits.resize(clusters.size()), all.resize(clusters.size());
      hits[c] += right ? 1 : 0, all[c] += 1;
      ++counts[key];
    }
  }
  TextLanguageAccuracy accuracy;
  for (const auto& [key, pair] : sums) {
    const Estimate e = bootstrap_ratio(pair[0], pair[1], counts[key], seed);
    if (key.empty())
      accuracy.all = e;
    else
      accuracy.by_language[key] = e;
  }
  return accuracy;
}

}  // namespace otoscope::steer
