#pragma once
/// How loud a frame is, and which frames are silence: one rule for statistics and labels.

#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/audio/time.h"

namespace otoscope::audio {

/// Frames this far under the loudest of their clip are silence.
inline constexpr float kSilenceBelowPeakDb = 35.0f;
inline constexpr float kQuietestDb = -100.0f;

/// Level of the 20 ms centred on a frame, in dB relative to full scale, kQuietestDb at least; NaN
/// where there is no audio.
float level_db(std::span<const float> pcm, Frame frame);
/// (T): the level of every frame that carries audio.
std::vector<float> levels_db(std::span<const float> pcm);

}  // namespace otoscope::audio
