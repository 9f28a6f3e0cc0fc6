#include "store/clip_reader.h"

#include <algorithm>
#include <cmath>

#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"

namespace otoscope::store {
namespace {

int64_t samples_of(double seconds) {
  return std::llround(std::min(seconds, 1e9) * audio::kSampleRate);
}

}  // namespace

ClipReader::ClipReader(const Clip& clip)
    : decoder_(clip.path), limit_(samples_of(clip.duration_s < 0 ? 1e9 : clip.duration_s)) {
  const int64_t offset = samples_of(clip.offset_s), kept = limit_;
  limit_ = offset;
  if (skip(offset) < offset)
    throw UserError(clip.path.string(),
                    "expected audio from " + std::to_string(clip.offset_s) +
                        " s on, got a file that ends before",
                    "correct `offset` in the manifest");
  position_ = 0;
  limit_ = kept;
}

std::vector<float> ClipReader::read(int64_t n) {
  n = std::clamp<int64_t>(limit_ - position_, 0, n);
  std::vector<int16_t> pcm(static_cast<size_t>(n));
  pcm.resize(decoder_.read(pcm));
  position_ += static_cast<int64_t>(pcm.size());
  std::vector<float> samples(pcm.size());
  for (size_t i = 0; i < pcm.size(); ++i) samples[i] = static_cast<float>(pcm[i]) / 32768.0f;
  return samples;
}

int64_t ClipReader::skip(int64_t n) {
  n = std::clamp<int64_t>(limit_ - position_, 0, n);
  std::vector<int16_t> pcm(static_cast<size_t>(std::min<int64_t>(n, 65536)));
  int64_t skipped = 0;
  while (skipped < n) {
    throw_if_interrupted();
    const auto wanted =
        static_cast<size_t>(std::min<int64_t>(n - skipped, static_cast<int64_t>(pcm.size())));
    const size_t got = decoder_.read(std::span(pcm).first(wanted));
    if (got == 0) break;
    skipped += static_cast<int64_t>(got);
  }
  position_ += skipped;
  return skipped;
}

int64_t count_samples(const Clip& clip) {
  if (clip.duration_s == 0) return 0;
  ClipReader reader(clip);
  return reader.skip(INT64_MAX);
}

}  // namespace otoscope::store
