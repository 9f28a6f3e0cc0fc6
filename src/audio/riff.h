#pragma once
#include "audio/byte_source.h"

namespace otoscope::audio {

/// Seconds of sound that a WAV file's own header states; 0 where it states none (a streamed file)
/// or is no WAV file. FFmpeg replaces a length beyond the end of the file by a guess, so a file cut
/// short would pass for a short one.
double stated_wav_seconds(const ByteSource& source);

}  // namespace otoscope::audio
