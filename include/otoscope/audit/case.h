#pragma once
/// One result that can be judged: what went into the model, what came out, and what is known of the
/// clip.

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "otoscope/steer/hallucination.h"

namespace otoscope::audit {

struct Case {
  std::string id;
  std::string cluster;  // what intervals resample: source of a sound, prompt id or speaker
  bool speech = false;
  steer::Part part = steer::Part::test;
  double seconds = 0, level_db = 0;
  std::string language;                  // of the clip; empty where unknown
  std::optional<std::string> reference;  // normalised; absent where unknown
  int64_t words = 0;                     // of the reference
  /// By dimension ("speaker", "language", "accent", "gender", "age", "noise", "kind"): the clip's
  /// value; only what the manifest says.
  std::map<std::string, std::string> groups;
  steer::Heard heard;
};

Case case_of(const steer::SoundWindow& window, const steer::Heard& heard,
             const steer::Loudness& loudness);

/// What a judging program reads: {"schema": "otoscope.case", "version": 1, "id", "speech",
/// "seconds", "language", "reference", "text", "normalised", "heard_language", "no_speech",
/// "avg_logprob", "compression", "filtered"}.
nlohmann::ordered_json to_json(const Case& one);

}  // namespace otoscope::audit
