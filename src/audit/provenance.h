#pragma once
/// Where a record comes from: program, machine, model, SAEs, data, seeds.

#include <nlohmann/json.hpp>
#include <string>

#include "otoscope/audit/audit.h"
#include "otoscope/audit/gathered.h"

namespace otoscope::audit {

struct RunTime {
  std::string started;  // UTC, "2026-01-01T00:00:00Z"
  double wall_s = 0;
};

std::string now_utc();
nlohmann::ordered_json provenance_json(const AuditInputs& inputs, const AuditOptions& options,
                                       const RunTime& time);
/// {"id", "sha256", "role", "clips", "audio_sha256", "licences"} of a manifest; audio: of the clips
/// heard.
nlohmann::ordered_json dataset_json(const store::Manifest& manifest, const std::string& name,
                                    const std::string& role,
                                    std::span<const steer::SoundWindow> heard);

}  // namespace otoscope::audit
