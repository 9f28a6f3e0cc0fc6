#pragma once
/// What an example looks and sounds like: the clip around its peak as MP3, spectrogram, and the
/// activation.

#include <span>
#include <string>
#include <vector>

#include "serve/chosen.h"

namespace otoscope::serve {

struct Media {
  std::string mp3;                // bytes
  std::string spectrogram;        // PNG, one column per 10 ms, low frequencies at the bottom
  double begin_s = 0, end_s = 0;  // what is shown, in seconds of the clip
};

/// The stretch of the clip that the example's trace covers. Audio that cannot be read: UserError.
Media media_of(const Example& example);

/// The activation as an SVG that lies over the spectrogram: a filled curve and a line at the peak.
std::string activation_overlay(const Example& example);

}  // namespace otoscope::serve
