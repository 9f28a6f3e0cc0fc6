#pragma once
/// |DFT|^2 of 400 real samples, four frames side by side: one lane each, so a frame's bits do not
/// depend on its neighbours.

#include <cstdint>

namespace otoscope::audio {

inline constexpr int kFftSamples = 400, kBins = kFftSamples / 2 + 1, kLanes = 4;
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));

/// x: 400 samples (already windowed) -> power: 201 bins, |sum_n x[n] exp(-2 pi i k n / 400)|^2.
void power_spectra(const Lanes x[kFftSamples], Lanes power[kBins]);

}  // namespace otoscope::audio
