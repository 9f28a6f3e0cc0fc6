#pragma once
/// Clips as the model takes them: at most one window of each, log-mels side by side.

#include <functional>
#include <vector>

#include "otoscope/audio/mel.h"
#include "otoscope/core/tensor.h"
#include "otoscope/model/config.h"
#include "otoscope/store/manifest.h"

namespace otoscope::store {

/// The samples of a clip, at most one window of them. UserError names the file.
std::vector<float> window_samples(const Clip& clip, const model::Dims& dims);

struct MelBatch {
  Tensor<float> mel;           // (n, mel frames, mels)
  std::vector<int32_t> valid;  // frames of the encoder that carry audio
};
/// samples(i): of the i-th of n, asked once each, from several threads.
MelBatch mel_batch(int64_t n, const model::Dims& dims,
                   const std::function<std::vector<float>(int64_t)>& samples,
                   audio::Padding padding = audio::Padding::waveform_zero);

}  // namespace otoscope::store
