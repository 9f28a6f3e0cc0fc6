#include <algorithm>
#include <map>
#include <set>

#include "labels/draft.h"
#include "otoscope/labels/meaning.h"
#include "otoscope/labels/measured.h"

namespace otoscope::labels {
namespace {

using audio::LabelKind;
using audio::Track;

constexpr size_t kLeastLanguages = 3;

/// A text's words; of a language without an analyser, as they are written.
std::vector<std::vector<std::string>> lemmas_of_text(const Draft& draft) {
  std::vector<std::vector<std::string>> lemmas;
  for (const Token& token : draft.tokens) lemmas.push_back(lemmas_of(token));
  return lemmas;
}

/// Prompts that at least three languages say.
std::set<std::string> parallel_prompts(const std::vector<Draft>& drafts) {
  std::map<std::string, std::set<std::string>> languages;
  for (const Draft& draft : drafts)
    if (draft.decoded && draft.clip->text && !draft.clip->text->empty() &&
        !draft.clip->prompt_id.empty())
      languages[draft.clip->prompt_id].insert(draft.clip->language);
  std::set<std::string> parallel;
  for (const auto& [prompt, said_in] : languages)
    if (said_in.size() >= kLeastLanguages) parallel.insert(prompt);
  return parallel;
}

std::vector<Concept> concepts_of(Making& making, const std::set<std::string>& parallel) {
  // The test split's texts are left out, as everything that is learned leaves them out.
  std::vector<store::Clip> clips;
  for (const Draft& draft : making.drafts) clips.push_back(*draft.clip);
  store::assign_splits(clips);
  std::vector<ParallelText> texts;
  std::map<std::string, std::vector<std::vector<Token>>> tokens;
  for (size_t i = 0; i < clips.size(); ++i) {
    const Draft& draft = making.drafts[i];
    if (clips[i].split == "test" || draft.tokens.empty() || parallel.count(clips[i].prompt_id) == 0)
      continue;
    ParallelText text{clips[i].prompt_id, clips[i].language, {}};
    for (const auto& lemmas : lemmas_of_text(draft))
      text.lemmas.insert(text.lemmas.end(), lemmas.begin(), lemmas.end());
    texts.push_back(std::move(text));
    tokens[clips[i].language].push_back(draft.tokens);
  }
  auto concepts = learn_concepts(texts);
  making.summary.concepts = static_cast<int64_t>(concepts.size());
  making.summary.concepts_learned_on = static_cast<int64_t>(texts.size());
  making.summary.dictionaries = check_concepts(concepts, tokens);
  return concepts;
}

}  // namespace

void add_meaning(Making& making) {
  const auto parallel = parallel_prompts(making.drafts);
  const auto concepts = concepts_of(making, parallel);
  std::map<std::pair<std::string, std::string>, const Concept*> concept_of;  // language, lemma
  for (const Concept& one : concepts)
    for (const auto& [language, lemma] : one.lemmas) concept_of[{language, lemma}] = &one;
  for (Draft& draft : making.drafts) {
    const store::Clip& clip = *draft.clip;
    if (!draft.decoded || !clip.text || clip.text->empty()) continue;
    const bool said_elsewhere = parallel.count(clip.prompt_id) != 0;
    if (said_elsewhere)
      draft.labels.tracks.push_back(constant_track(LabelKind::meaning, "prompt:" + clip.prompt_id,
                                                   draft.labels.duration_s, "parallel prompts"));
    const Track* const found = draft.labels.find(LabelKind::word);
    if (found == nullptr || draft.tokens.empty() || concepts.empty()) continue;
    Track track = *found;
    track.kind = LabelKind::meaning;
    track.source = "concepts of parallel prompts";
    track.labels.clear();
    const auto lemmas = lemmas_of_text(draft);
    const auto spelled = tokens_of_words(found->labels, draft.tokens);
    for (size_t w = 0; w < spelled.size(); ++w) {
      std::set<std::string> values;
      for (const int32_t token : spelled[w])
        for (const std::string& lemma : lemmas[static_cast<size_t>(token)])
          if (const auto one = concept_of.find({clip.language, lemma}); one != concept_of.end())
            values.insert("concept:" + one->second->name);
      for (const std::string& value : values)
        track.labels.push_back({found->labels[w].start, found->labels[w].end, value});
    }
    draft.labels.tracks.push_back(std::move(track));
  }
}

}  // namespace otoscope::labels
