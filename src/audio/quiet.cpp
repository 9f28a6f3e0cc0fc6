#include "audio/quiet.h"

#include <mutex>

extern "C" {
#include <libavutil/log.h>
}

namespace otoscope::audio {

void quiet_ffmpeg() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_level(AV_LOG_QUIET); });
}

}  // namespace otoscope::audio
