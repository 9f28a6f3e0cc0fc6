#include "otoscope/audio/level.h"

#include <algorithm>
#include <cmath>

namespace otoscope::audio {

float level_db(std::span<const float> pcm, Frame frame) {
  const int64_t centre = frame.index * kFrameSamples, half = kFrameSamples / 2;
  const int64_t begin = std::max<int64_t>(0, centre - half);
  const int64_t end = std::min<int64_t>(static_cast<int64_t>(pcm.size()), centre + half);
  if (begin >= end) return NAN;
  double power = 0;
  for (int64_t i = begin; i < end; ++i)
    power += static_cast<double>(pcm[static_cast<size_t>(i)]) * pcm[static_cast<size_t>(i)];
  power /= static_cast<double>(end - begin);
  return power > 0 ? std::max(kQuietestDb, static_cast<float>(10 * std::log10(power)))
                   : kQuietestDb;
}

std::vector<float> levels_db(std::span<const float> pcm) {
  const int64_t frames = valid_frames(static_cast<int64_t>(pcm.size()), INT64_MAX);
  std::vector<float> levels(static_cast<size_t>(frames));
  for (int64_t t = 0; t < frames; ++t) levels[static_cast<size_t>(t)] = level_db(pcm, {t});
  return levels;
}

}  // namespace otoscope::audio
