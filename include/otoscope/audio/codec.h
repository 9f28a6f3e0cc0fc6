#pragma once
/// Sound as a codec leaves it, through FFmpeg's encoders and decoders.

#include <span>
#include <string>
#include <vector>

namespace otoscope::audio {

/// "opus", "mp3", "g722"
const std::vector<std::string>& codec_names();

/// 16 kHz mono samples encoded at about `kilobits` per second (0 = 24 for opus, 32 for mp3; g722
/// knows 64 alone) and decoded again; the codec's delay is taken off, so that the result is as long
/// as the input and in step with it. UserError: an unknown codec, an FFmpeg without it, a rate that
/// it refuses.
std::vector<float> through_codec(std::span<const float> pcm, const std::string& codec,
                                 int kilobits = 0);

}  // namespace otoscope::audio
