#pragma once
/// Linear-phase filters and resampling for transforms.

#include <span>
#include <vector>

namespace otoscope::contexts {

/// Passes low_hz to high_hz of 16 kHz (low 0: no lower edge), Kaiser window (beta 8: 80 dB down),
/// `taps` odd.
std::vector<double> band_pass(double low_hz, double high_hz, int taps);
/// The filter's delay taken off: as long as the input and in step.
std::vector<float> filtered(std::span<const float> pcm, std::span<const double> taps);
/// Sample i is the input's at i * factor, by windowed sinc (cut off under the lower of both rates).
std::vector<float> faster(std::span<const float> pcm, double factor);

}  // namespace otoscope::contexts
