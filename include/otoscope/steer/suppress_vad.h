#pragma once
/// The rival: a voice-activity detector in front of the model. Its findings come from outside
/// (benchmarks/peers/vad.py) as JSON.

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "otoscope/steer/hallucination.h"

namespace otoscope::steer {

struct VadFindings {
  std::string detector;  // "silero-vad 6.2.3, onnx"
  double audio_s = 0, busy_s = 0;
  /// By clip id: [start, end) of speech in seconds from the clip's beginning, in order.
  std::map<std::string, std::vector<std::pair<double, double>>> speech;

  /// Seconds of speech found in a clip; UserError for a clip that the file does not hold.
  double seconds(const std::string& id) const;
  /// Where it found none the model is not run.
  bool silent(const std::string& id) const { return seconds(id) == 0; }
};

/// {"schema": "otoscope.vad", "version": 1, "detector", "audio_s", "busy_s", "clips": [{"id",
/// "duration", "speech": [[start, end]]}]}. Reversed, overlapping, negative or non-finite spans, or
/// ones that end more than 0.1 s past the clip, and ids that occur twice: UserError "[where] …".
VadFindings parse_vad(std::string_view json, std::string_view where);
VadFindings read_vad(const std::filesystem::path& path);

}  // namespace otoscope::steer
