#pragma once
/// Compressed audio for pages: MP3 by FFmpeg's libmp3lame, which every browser plays.

#include <span>
#include <string>

namespace otoscope::audio {

/// 16 kHz mono samples in [-1, 1] -> the bytes of an MP3 file at about `kilobits` per second. 10 ms
/// fades at both ends, so that cuts do not click. Empty input gives an empty string.
std::string encode_mp3(std::span<const float> pcm, int kilobits = 32);

}  // namespace otoscope::audio
