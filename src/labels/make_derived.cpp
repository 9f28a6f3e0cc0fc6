#include <algorithm>

#include "labels/draft.h"
#include "otoscope/labels/derive.h"
#include "otoscope/labels/measured.h"

namespace otoscope::labels {

using audio::LabelKind;
using audio::Track;

void add_derived(Making& making) {
  for (Draft& draft : making.drafts) {
    audio::ClipLabels& clip = draft.labels;
    const auto copy_of = [&](LabelKind kind) {
      const Track* const found = clip.find(kind);
      return found == nullptr ? Track{} : *found;  // tracks move when one is added
    };
    const bool has_words = clip.find(LabelKind::word) != nullptr;
    const Track words = copy_of(LabelKind::word);
    if (clip.find(LabelKind::phone) != nullptr) {
      const Track phones = copy_of(LabelKind::phone);
      if (making.wants(LabelKind::phone_class) && clip.find(LabelKind::phone_class) == nullptr)
        clip.tracks.push_back(phone_class_track(phones, &making.summary.unknown_phones));
      if (making.wants(LabelKind::syllable) && clip.find(LabelKind::syllable) == nullptr)
        clip.tracks.push_back(syllable_track(phones, has_words ? &words : nullptr));
    }
    // An imported clip may have them already.
    const bool has_edges = std::any_of(clip.tracks.begin(), clip.tracks.end(), [](const Track& t) {
      return t.kind == LabelKind::position &&
             std::any_of(t.labels.begin(), t.labels.end(),
                         [](const audio::Label& label) { return label.value == "word start"; });
    });
    if (has_words && !has_edges && making.wants(LabelKind::position))
      clip.tracks.push_back(word_position_track(words));
  }
}

}  // namespace otoscope::labels
