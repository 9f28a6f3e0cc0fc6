#pragma once
/// Fundamental frequency by YIN (de Cheveigné & Kawahara 2002, J. Acoust. Soc. Am. 111(4): steps 1
/// to 5: difference function, cumulative mean normalisation, absolute threshold, parabola).

#include <span>
#include <vector>

namespace otoscope::audio {

struct PitchOptions {
  double lowest_hz = 60, highest_hz = 500;
  double threshold = 0.15;  // aperiodic power that still counts as voiced
};

/// pcm: 16 kHz. (T): Hz per frame of 20 ms (centred on it), 0 where unvoiced, or where no neighbour
/// is voiced too.
std::vector<float> pitch_hz(std::span<const float> pcm, const PitchOptions& options = {});

}  // namespace otoscope::audio
