#pragma once
/// Labels that are measured: pitch, loudness and silence from the sound, position from the clip and
/// its words. Runs of frames become labels; frame t stands for [0.02 t - 0.01, 0.02 t + 0.01).

#include <array>
#include <span>
#include <vector>

#include "otoscope/audio/labels.h"

namespace otoscope::labels {

/// "silence": frames more than 35 dB under the clip's loudest (audio/level.h).
audio::Track silence_track(std::span<const float> levels_db, double duration_s);
/// "quiet", "middle", "loud": thirds of the clip's frames that are not silence.
audio::Track loudness_track(std::span<const float> levels_db, double duration_s);

/// Between low and middle, and between middle and high, in Hz: thirds of all voiced frames of a
/// speaker.
std::array<float, 2> pitch_thirds(std::vector<float> voiced_hz);
/// "low", "middle", "high"; unvoiced frames carry no label.
audio::Track pitch_track(std::span<const float> hz, std::array<float, 2> thirds, double duration_s);

/// "clip start", "clip end": the first and last 200 ms (half a shorter clip each).
audio::Track clip_position_track(double duration_s);
/// "word start", "word end": the first and last 60 ms of a word (half a shorter word each).
audio::Track word_position_track(const audio::Track& words);

/// One value from end to end.
audio::Track constant_track(audio::LabelKind kind, std::string value, double duration_s,
                            std::string source);

}  // namespace otoscope::labels
