#include "otoscope/eval/clips.h"

#include <algorithm>
#include <map>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/text.h"
#include "otoscope/model/languages.h"
#include "otoscope/model/normalizer.h"
#include "otoscope/store/mel_batch.h"

namespace otoscope::eval {
namespace {

bool in_split(const store::Clip& clip, store::Split split) {
  return split == store::Split::all ||
         (!clip.split.empty() && store::split_named(clip.split) == split);
}

}  // namespace

ClipChoice choose_clips(const store::Manifest& manifest, store::Split split, int64_t count,
                        const model::Whisper& model, const model::Tokenizer& tokenizer) {
  std::vector<store::Clip> clips = manifest.clips;
  store::assign_splits(clips);
  ClipChoice choice;
  choice.by_speaker = store::clusters_by_speaker(clips);
  const double window_s = static_cast<double>(model.dims().n_audio_ctx) * audio::kFrameSeconds;

  for (const store::Clip& clip : clips) {
    if (!in_split(clip, split) || !clip.speech || !clip.text || clip.duration_s > window_s)
      continue;
    SplicedClip chosen{clip, 0, {}, 0, {}};
    if (chosen.clip.language.empty()) chosen.clip.language = "en";
    const std::string& language = chosen.clip.language;
    if (!tokenizer.knows(language)) continue;
    chosen.tokens = model::forced_tokens(tokenizer, language, *clip.text);
    chosen.prompt =
        static_cast<int64_t>(tokenizer.sot_sequence(language, "transcribe", true).size());
    if (static_cast<int64_t>(chosen.tokens.size()) > model.dims().n_text_ctx) continue;
    chosen.reference = trimmed(model::normalize(*clip.text, language));
    if (!chosen.reference.empty()) choice.clips.push_back(std::move(chosen));
  }
  choice.candidates = static_cast<int64_t>(choice.clips.size());
  if (choice.clips.empty())
    throw UserError(manifest.path.string(),
                    "expected clips with speech and text in this split, got none",
                    "spliced measures need a `text` for each clip");

  const auto key = [](const SplicedClip& c) { return std::pair(name_hash(c.clip.id), c.clip.id); };
  std::sort(choice.clips.begin(), choice.clips.end(),
            [&](const SplicedClip& a, const SplicedClip& b) { return key(a) < key(b); });
  if (count > 0 && choice.candidates > count) choice.clips.resize(static_cast<size_t>(count));
  // Clips of like length end together: batches do not wait for one long clip.
  std::stable_sort(
      choice.clips.begin(), choice.clips.end(),
      [](const SplicedClip& a, const SplicedClip& b) { return a.tokens.size() < b.tokens.size(); });
  std::map<std::string, int32_t> clusters;
  for (SplicedClip& chosen : choice.clips) {
    const auto next = static_cast<int32_t>(clusters.size());
    chosen.cluster =
        clusters.try_emplace(store::cluster_of(chosen.clip, choice.by_speaker), next).first->second;
  }
  choice.clusters = static_cast<int64_t>(clusters.size());
  return choice;
}

ClipBatch load_clips(std::span<const SplicedClip> clips, int64_t first, int64_t n,
                     const model::Dims& dims, audio::Padding padding) {
  ClipBatch batch;
  for (int64_t i = 0; i < n; ++i) batch.item.push_back(first + i);
  store::MelBatch sound = store::mel_batch(
      n, dims,
      [&](int64_t i) {
        const store::Clip& clip = clips[static_cast<size_t>(first + i)].clip;
        return audio::decode_file(clip.path, clip.offset_s, clip.duration_s);
      },
      padding);
  batch.mel = std::move(sound.mel), batch.valid = std::move(sound.valid);
  return batch;
}

}  // namespace otoscope::eval
