#include <map>

#include "labels/draft.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/labels/analysers.h"

namespace otoscope::labels {

using audio::LabelKind;
using audio::Track;

void analyse_texts(Making& making) {
  std::map<std::string, std::vector<Draft*>> by_language;
  for (Draft& draft : making.drafts)
    if (draft.clip->text && !draft.clip->text->empty() && !draft.clip->language.empty())
      by_language[draft.clip->language].push_back(&draft);
  making.progress.start("analyse words", static_cast<int64_t>(by_language.size()), "languages");
  int64_t done = 0;
  for (auto& [language, drafts] : by_language) {
    throw_if_interrupted();
    if (const std::string missing = analyser_missing(language); !missing.empty()) {
      making.summary.notes.push_back(missing);
    } else {
      std::vector<std::string> texts;
      for (const Draft* draft : drafts) texts.push_back(*draft->clip->text);
      auto tokens = analyse(language, texts);
      for (size_t i = 0; i < drafts.size(); ++i) drafts[i]->tokens = std::move(tokens[i]);
    }
    making.progress.advance(++done);
  }
  making.progress.finish();
}

void add_analysed(Making& making) {
  for (Draft& draft : making.drafts) {
    const Track* const found = draft.labels.find(LabelKind::word);
    if (draft.tokens.empty() || found == nullptr) continue;
    const Track words = *found;
    const std::string& language = draft.clip->language;
    bool counted = false;
    for (const LabelKind kind : {LabelKind::part_of_speech, LabelKind::morpheme}) {
      if (!making.wants(kind)) continue;
      for (Track& track : analysed_tracks(kind, words, draft.tokens, analyser_source(language),
                                          counted ? nullptr : &making.summary.words[language]))
        draft.labels.tracks.push_back(std::move(track));
      counted = true;
    }
  }
}

}  // namespace otoscope::labels
