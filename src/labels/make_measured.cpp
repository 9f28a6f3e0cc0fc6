#include <algorithm>
#include <map>

#include "labels/draft.h"
#include "labels/known.h"
#include "otoscope/audio/decode.h"
#include "otoscope/audio/level.h"
#include "otoscope/audio/pitch.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"
#include "otoscope/labels/measured.h"

namespace otoscope::labels {
namespace {

using audio::LabelKind;

constexpr int64_t kBatch = 64;  // clips between looks at ctrl-C

void measure(const Making& making, Draft& draft) {
  const store::Clip& clip = *draft.clip;
  const auto pcm = audio::decode_file(clip.path, clip.offset_s, clip.duration_s);
  const double seconds = audio::seconds_of_samples(static_cast<int64_t>(pcm.size()));
  draft.labels.duration_s = seconds;
  const auto add = [&](audio::Track track) { draft.labels.tracks.push_back(std::move(track)); };
  const auto levels = audio::levels_db(pcm);
  if (making.wants(LabelKind::silence)) add(silence_track(levels, seconds));
  if (making.wants(LabelKind::loudness))
    for (auto& part : known_where_labelled(loudness_track(levels, seconds))) add(std::move(part));
  if (making.wants(LabelKind::position)) add(clip_position_track(seconds));
  if (making.wants(LabelKind::pitch) && clip.speech) draft.pitch_hz = audio::pitch_hz(pcm);
  draft.decoded = true;
}

/// Thirds per speaker; clips of no known speaker keep to themselves.
void add_pitch(Making& making) {
  std::map<std::string, std::vector<float>> voiced;
  const auto speaker_of = [](const Draft& draft) {
    return draft.clip->speaker.empty() ? "clip " + draft.clip->id : draft.clip->speaker;
  };
  for (const Draft& draft : making.drafts)
    for (const float hz : draft.pitch_hz)
      if (hz > 0) voiced[speaker_of(draft)].push_back(hz);
  std::map<std::string, std::array<float, 2>> thirds;
  for (auto& [speaker, hz] : voiced) thirds[speaker] = pitch_thirds(std::move(hz));
  for (Draft& draft : making.drafts) {
    const auto found = thirds.find(speaker_of(draft));
    if (draft.pitch_hz.empty() || found == thirds.end()) continue;
    for (auto& part :
         known_where_labelled(pitch_track(draft.pitch_hz, found->second, draft.labels.duration_s)))
      draft.labels.tracks.push_back(std::move(part));
    draft.pitch_hz = {};
  }
}

}  // namespace

void add_measured(Making& making) {
  auto& drafts = making.drafts;
  const auto clips = static_cast<int64_t>(drafts.size());
  making.progress.start("measure pitch and loudness", clips, "clips");
  std::vector<std::string> failures(drafts.size());
  for (int64_t first = 0; first < clips; first += kBatch) {
    throw_if_interrupted();
    const int64_t n = std::min(kBatch, clips - first);
    parallel_ranges(n, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = first + begin; i < first + end; ++i) try {
          measure(making, drafts[static_cast<size_t>(i)]);
        } catch (const UserError& error) {
          failures[static_cast<size_t>(i)] = error.what();
        }
    });
    making.progress.advance(first + n);
  }
  making.progress.finish();
  for (const std::string& failure : failures) {
    if (failure.empty()) continue;
    if (++making.summary.left_out["cannot be decoded"] == 1)
      making.summary.notes.push_back("a clip is left out: " + failure);
  }
  if (making.summary.left_out["cannot be decoded"] == clips)
    throw UserError(making.summary.manifest.string(), "none of its clips can be decoded",
                    *std::find_if(failures.begin(), failures.end(),
                                  [](const std::string& one) { return !one.empty(); }));
  if (making.summary.left_out["cannot be decoded"] == 0)
    making.summary.left_out.erase("cannot be decoded");
  add_pitch(making);
}

}  // namespace otoscope::labels
