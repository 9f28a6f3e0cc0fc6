#include <algorithm>
#include <vector>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/time.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"
#include "otoscope/labels/align.h"

namespace otoscope::labels {
namespace {

constexpr size_t kAtOnce = 128;  // clips decoded and aligned together

bool has_text(const store::Clip& clip) {
  return clip.speech && clip.text && !clip.text->empty() && !clip.language.empty();
}

}  // namespace

AlignedClips align_clips(const Aligner& aligner, std::span<const store::Clip> clips,
                         Progress& progress) {
  AlignedClips out;
  std::vector<const store::Clip*> wanted;
  for (const store::Clip& clip : clips)
    if (has_text(clip)) wanted.push_back(&clip);
  out.without_text = static_cast<int64_t>(clips.size() - wanted.size());
  progress.start("aligning texts", static_cast<int64_t>(wanted.size()), "clips");
  for (size_t begin = 0; begin < wanted.size(); begin += kAtOnce) {
    throw_if_interrupted();
    const size_t n = std::min(kAtOnce, wanted.size() - begin);
    std::vector<std::vector<float>> pcm(n);
    parallel_ranges(static_cast<int64_t>(n), 1, [&](int64_t i, int64_t) {
      const auto at = static_cast<size_t>(i);
      const store::Clip& clip = *wanted[begin + at];
      pcm[at] = audio::decode_file(clip.path, clip.offset_s, clip.duration_s);
    });
    std::vector<Aligner::Item> items;
    for (size_t i = 0; i < n; ++i)
      items.push_back({pcm[i], *wanted[begin + i]->text, wanted[begin + i]->language});
    std::vector<Alignment> aligned = aligner.align(items);
    for (size_t i = 0; i < n; ++i) {
      out.scores.push_back(aligned[i].score);
      if (!aligned[i].kept) {
        ++out.left_out[aligned[i].why_not];
        continue;
      }
      out.kept.push_back({wanted[begin + i]->id,
                          audio::seconds_of_samples(static_cast<int64_t>(pcm[i].size())),
                          std::move(aligned[i].tracks)});
    }
    progress.advance(static_cast<int64_t>(begin + n));
  }
  progress.finish();
  return out;
}

}  // namespace otoscope::labels
