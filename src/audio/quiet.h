#pragma once
/// A library does not print: what FFmpeg complains about becomes a UserError.

namespace otoscope::audio {

void quiet_ffmpeg();

}  // namespace otoscope::audio
