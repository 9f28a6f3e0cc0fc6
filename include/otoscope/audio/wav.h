#pragma once
/// RIFF/WAVE, the container that everything reads.

#include <cstdint>
#include <span>
#include <string>

#include "otoscope/audio/time.h"

namespace otoscope::audio {

/// The bytes of a file of 16-bit mono samples.
std::string encode_wav(std::span<const int16_t> pcm, int rate = kSampleRate);

}  // namespace otoscope::audio
