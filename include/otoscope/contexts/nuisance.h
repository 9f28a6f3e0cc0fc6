#pragma once
/// What is known of a clip without a model: whatever is claimed of features must go beyond it
/// (methods.md §8.2.2).

#include <array>
#include <span>
#include <string_view>

namespace otoscope::contexts {

/// In the order of nuisances_of().
inline constexpr std::array<std::string_view, 14> kNuisances = {
    "loudness dB",  // mean power of frames that are not silence
    "peak dB",
    "noise floor dB",  // 10 % quantile of frames' levels
    "SNR dB",          // loudness minus noise floor: what a recording shows of it
    "length s",
    "padding share",  // of the window of 30 s
    "leading silence s",
    "trailing silence s",
    "silence share",
    "clipping share",  // of samples in runs of 3 or more at the peak
    "band low Hz",     // 1 % of the power lies under it
    "band high Hz",    // 99 % of the power lies under it, highs raised by 6 dB an octave
    "tilt dB",         // power above 2 kHz against that under it
    "DC offset dB"};
inline constexpr int kNuisanceCount = static_cast<int>(kNuisances.size());

/// pcm: 16 kHz. Silence is what is 35 dB under the loudest frame (audio/level.h).
std::array<float, kNuisances.size()> nuisances_of(std::span<const float> pcm);

}  // namespace otoscope::contexts
