#pragma once
/// What an example looks and sounds like: the clip around its peak as MP3, spectrogram, and the
/// activation.

#include <span>
#include <string>
#include <vector>

#include "serve/chosen.h"

namespace otoscope::serve {

struct Media {
  std::string mp3;          // bytes
  std::string spectrogram;  // PNG, one column per 10 ms, low frequencies at the bottom
};

/// The stretch of the clip that the example's trace covers. Audio that cannot be read: UserError.
Media media_of(const Example& example);
/// `seconds` of a file, from `begin_s` on.
Media media_of(const std::string& path, double begin_s, double seconds);

/// The activation as an SVG that lies over the spectrogram: a filled curve and a line at the peak.
std::string activation_overlay(const Example& example);

}  // namespace otoscope::serve
