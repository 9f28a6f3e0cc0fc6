#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "labels/align_core.h"
#include "otoscope/model/whisper.h"

namespace otoscope::labels {

/// What a site of the encoder says of each clip, packed many to a window: (ceil(samples / 320), d),
/// frames centred on samples 320 t. Clips longer than a window run over several.
std::vector<Tensor<float>> encoder_features(const model::Whisper& whisper, const model::Site& site,
                                            std::span<const std::span<const float>> clips);

/// 1 - cosine, each side about its own mean, divided by the mean over all pairs.
FrameDistances frame_distances(const Tensor<float>& recording, const Tensor<float>& spoken);

}  // namespace otoscope::labels
