#pragma once
/// The one place where samples, mel frames, encoder frames and seconds meet (methods.md: 16 kHz,
/// hop 160, one encoder frame per 320 samples = 20 ms, centred on sample 320 t).

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace otoscope::audio {

inline constexpr int kSampleRate = 16000;
inline constexpr int kHopSamples = 160;    // one mel frame
inline constexpr int kFrameSamples = 320;  // one encoder frame
inline constexpr double kFrameSeconds = 0.02;
inline constexpr int kWindowSamples = 480000;  // 30 s
inline constexpr int kWindowFrames = 1500;

/// Index of an encoder frame: not a number of seconds.
struct Frame {
  int64_t index = 0;
};
inline double seconds_of(Frame frame) { return static_cast<double>(frame.index) * kFrameSeconds; }
inline double seconds_of_samples(int64_t samples) {
  return static_cast<double>(samples) / kSampleRate;
}
/// The frame whose centre is nearest to a time.
inline Frame frame_at(double seconds) { return {std::llround(seconds / kFrameSeconds)}; }
/// Frames that carry audio: ceil(samples / 320), at most `context` (1500 for 30 s).
inline int64_t valid_frames(int64_t samples, int64_t context = kWindowFrames) {
  return std::min(context, (samples + kFrameSamples - 1) / kFrameSamples);
}

}  // namespace otoscope::audio
