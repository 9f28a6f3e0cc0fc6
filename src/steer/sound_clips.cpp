#include "otoscope/steer/sound_clips.h"

#include <algorithm>
#include <map>

#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"

namespace otoscope::steer {

eval::ClipChoice choose_sound_clips(const store::Manifest& manifest, store::Split split,
                                    int64_t count, const model::Whisper& model,
                                    const model::Tokenizer& tokenizer) {
  std::vector<store::Clip> clips = manifest.clips;
  store::assign_splits(clips);
  eval::ClipChoice choice;
  choice.by_speaker = store::clusters_by_speaker(clips);
  const double window_s = static_cast<double>(model.dims().n_audio_ctx) * audio::kFrameSeconds;
  for (store::Clip& clip : clips) {
    const bool in = split == store::Split::all ||
                    (!clip.split.empty() && store::split_named(clip.split) == split);
    if (!in || clip.speech || clip.duration_s > window_s) continue;
    eval::SplicedClip chosen{std::move(clip), 0, {}, 0, {}};
    chosen.clip.language = "en";
    chosen.tokens = model::forced_tokens(tokenizer, "en", "");
    chosen.prompt = static_cast<int64_t>(tokenizer.sot_sequence("en", "transcribe", true).size());
    choice.clips.push_back(std::move(chosen));
  }
  choice.candidates = static_cast<int64_t>(choice.clips.size());
  if (choice.clips.empty())
    throw UserError(manifest.path.string(), "expected clips without speech in this split, got none",
                    "a manifest says \"speech\": false");
  const auto key = [](const eval::SplicedClip& c) {
    return std::pair(name_hash(c.clip.id), c.clip.id);
  };
  std::sort(
      choice.clips.begin(), choice.clips.end(),
      [&](const eval::SplicedClip& a, const eval::SplicedClip& b) { return key(a) < key(b); });
  if (count > 0 && choice.candidates > count) choice.clips.resize(static_cast<size_t>(count));
  std::map<std::string, int32_t> clusters;
  for (eval::SplicedClip& chosen : choice.clips) {
    const std::string name = !chosen.clip.source.empty()
                                 ? chosen.clip.source
                                 : store::cluster_of(chosen.clip, choice.by_speaker);
    const auto next = static_cast<int32_t>(clusters.size());
    chosen.cluster = clusters.try_emplace(name, next).first->second;
  }
  choice.clusters = static_cast<int64_t>(clusters.size());
  return choice;
}

}  // namespace otoscope::steer
