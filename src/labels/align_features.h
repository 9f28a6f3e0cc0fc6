#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/core/tensor.h"

namespace otoscope::labels {

inline constexpr int64_t kAlignHop = 80;  // samples between frames: 5 ms

/// What a recording sounds like, apart from its pitch, level and channel.
struct SoundFeatures {
  /// (frames, 26): 13 cepstra of 40 mel bands and their slope over 50 ms, each with mean 0 and
  /// variance 1 over the frames that are not silent. Frame t is centred on sample 80 t.
  Tensor<float> cepstra;
  std::vector<float> level_db;  // (frames), of the power in the mel bands
  float floor_db = 0, speech_db = 0;

  int64_t frames() const { return static_cast<int64_t>(level_db.size()); }
};

/// pcm: 16 kHz, at least 400 samples.
SoundFeatures sound_features(std::span<const float> pcm);

}  // namespace otoscope::labels
