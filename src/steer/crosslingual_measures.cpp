#include "steer/crosslingual_measures.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "otoscope/core/statistics.h"
#include "otoscope/core/text.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"
#include "otoscope/model/normalizer.h"
#include "otoscope/steer/crosslingual.h"
#include "otoscope/steer/text_language.h"

namespace otoscope::steer {

using io::OrderedJson;

TranslatedClips parallel_clips(const store::Manifest& manifest, const std::string& from,
                               const std::string& toward, int min_words) {
  TranslatedClips pairs;
  pairs.manifest = manifest;
  for (const store::Clip& clip : manifest.clips)
    if (clip.language == toward && clip.text && !clip.prompt_id.empty() &&
        count_words(*clip.text) >= min_words)
      pairs.meaning[clip.prompt_id] = *clip.text;
  // Splits come from the whole corpus: dropping clips must not move any.
  store::assign_splits(pairs.manifest.clips);
  std::erase_if(pairs.manifest.clips, [&](const store::Clip& clip) {
    return clip.language != from || !clip.text || count_words(*clip.text) < min_words ||
           !pairs.meaning.contains(clip.prompt_id);
  });
  return pairs;
}

double word_overlap(std::string_view reference, std::string_view text) {
  std::map<std::string, int> wanted;
  double n = 0, m = 0, common = 0;
  for (const std::string& word : split(trimmed(model::normalize_basic(reference)), ' '))
    if (!word.empty()) ++wanted[word], ++n;
  for (const std::string& word : split(trimmed(model::normalize_basic(text)), ' ')) {
    if (word.empty()) continue;
    ++m;
    const auto found = wanted.find(word);
    if (found != wanted.end() && found->second > 0) --found->second, ++common;
  }
  return n > 0 && m > 0 ? 2 * common / (n + m) : 0;
}

OrderedJson meaning_json(const std::vector<Outcome>& outcomes, int every,
                         const eval::ClipChoice& choice, const TranslatedClips& pairs,
                         const DoseOptions& options) {
  const auto clusters = static_cast<size_t>(choice.clusters);
  std::vector<double> own(clusters), other(clusters), ones(clusters);
  std::vector<const std::string*> texts;
  for (const auto& clip : choice.clips) texts.push_back(&pairs.meaning.at(clip.clip.prompt_id));
  int64_t n = 0;
  for (size_t i = 0; i < outcomes.size(); i += static_cast<size_t>(every), ++n) {
    const auto c = static_cast<size_t>(choice.clips[i].cluster);
    // The next clip's: about as long, for clips are ordered by length.
    const size_t next = (i + 1) % texts.size();
    own[c] += word_overlap(*texts[i], outcomes[i].text);
    other[c] += word_overlap(*texts[next], outcomes[i].text);
    ones[c] += 1;
  }
  std::vector<double> a, b, d;
  for (size_t c = 0; c < clusters; ++c)
    if (ones[c] > 0) a.push_back(own[c]), b.push_back(other[c]), d.push_back(ones[c]);
  return {{"overlap", io::to_json(bootstrap_ratio(a, d, n, options.seed, options.replicates))},
          {"chance", io::to_json(bootstrap_ratio(b, d, n, options.seed, options.replicates))}};
}

OrderedJson probability_json(const std::vector<Outcome>& outcomes, int every,
                             const eval::ClipChoice& choice, const DoseOptions& options) {
  std::vector<double> sums(static_cast<size_t>(choice.clusters)), ones(sums.size());
  int64_t n = 0;
  for (size_t i = 0; i < outcomes.size(); i += static_cast<size_t>(every), ++n) {
    const auto c = static_cast<size_t>(choice.clips[i].cluster);
    sums[c] += outcomes[i].languages.empty() ? 0 : outcomes[i].languages[0];
    ones[c] += 1;
  }
  std::vector<double> a, d;
  for (size_t c = 0; c < sums.size(); ++c)
    if (ones[c] > 0) a.push_back(sums[c]), d.push_back(ones[c]);
  return io::to_json(bootstrap_ratio(a, d, n, options.seed, options.replicates));
}

OrderedJson examples_json(const Response& response, const eval::ClipChoice& choice,
                          const TranslatedClips& pairs) {
  constexpr size_t kExamples = 6;
  OrderedJson list = OrderedJson::array();
  const size_t n = response.clips.size(), step = std::max<size_t>(1, n / kExamples);
  for (size_t i = step / 2; i < n && list.size() < kExamples; i += step)
    list.push_back({{"id", choice.clips[i].clip.id},
                    {"said", *choice.clips[i].clip.text},
                    {"translation", pairs.meaning.at(choice.clips[i].clip.prompt_id)},
                    {"text", response.clips[i].text},
                    {"detected", response.clips[i].detected}});
  return list;
}

}  // namespace otoscope::steer
