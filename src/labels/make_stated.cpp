#include <algorithm>
#include <unordered_map>

#include "labels/draft.h"
#include "otoscope/audio/label_lines.h"
#include "otoscope/labels/measured.h"
#include "otoscope/labels/phonology.h"

namespace otoscope::labels {

using audio::LabelKind;

void add_stated(Making& making, const std::string& manifest_text) {
  // A manifest without times may lack durations, which lines of labels must have.
  std::unordered_map<std::string, audio::ClipLabels> timed;
  if (manifest_text.find("s_timed\"") != std::string::npos)
    for (auto& clip : audio::parse_label_lines(manifest_text, making.summary.manifest.string()))
      timed.emplace(clip.id, std::move(clip));
  // The class of a sound that is not speech; a corpus may state it as the clip's kind.
  const auto sound_of = [](const store::Clip& clip) {
    return clip.sound.empty() && !clip.speech ? clip.kind : clip.sound;
  };
  const bool has_sounds =
      std::any_of(making.drafts.begin(), making.drafts.end(),
                  [&](const Draft& draft) { return !sound_of(*draft.clip).empty(); });
  for (Draft& draft : making.drafts) {
    const store::Clip& clip = *draft.clip;
    const auto add = [&](LabelKind kind, const std::string& value) {
      if (making.wants(kind) && !value.empty())
        draft.labels.tracks.push_back(
            constant_track(kind, value, draft.labels.duration_s, "manifest"));
    };
    add(LabelKind::language, clip.language);
    add(LabelKind::speaker, clip.speaker);
    add(LabelKind::gender, clip.gender);
    add(LabelKind::sound, sound_of(clip));
    // Where some clips are sounds, plain speech is known to be none of them.
    const bool plain = clip.noise_level.empty() || clip.noise_level == "clean";
    if (has_sounds && sound_of(clip).empty() && clip.speech && plain &&
        making.wants(LabelKind::sound))
      draft.labels.tracks.push_back(
          {LabelKind::sound, "manifest", 1, 0, draft.labels.duration_s, {}});
    add(LabelKind::noise_level, clip.noise_level);
    const auto found = timed.find(clip.id);
    if (found == timed.end()) continue;
    for (audio::Track& track : found->second.tracks)
      if (track.kind == LabelKind::phone || track.kind == LabelKind::word)
        draft.labels.tracks.push_back(as_ipa(std::move(track)));
  }
}

}  // namespace otoscope::labels
