#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/steer/suppress_vad.h"

namespace otoscope::steer {
namespace {

constexpr int64_t kVadBytes = int64_t{64} << 20;
constexpr double kPastTheEnd = .1;  // detectors pad what they find

std::vector<std::pair<double, double>> spans_of(const io::Json& list, double duration,
                                                std::string_view where) {
  if (!list.is_array()) throw UserError(where, "expected a list at speech");
  std::vector<std::pair<double, double>> spans;
  double last = 0;
  for (const io::Json& span : list) {
    if (!span.is_array() || span.size() != 2 || !span[0].is_number() || !span[1].is_number())
      throw UserError(
          where, "expected [start, end] in seconds at speech, got " + span.dump().substr(0, 60));
    const double start = span[0].get<double>(), end = span[1].get<double>();
    if (!(start >= last && start < duration && end > start && end <= duration + kPastTheEnd))
      throw UserError(where,
                      "expected spans in order within the clip's " + std::to_string(duration) +
                          " s, got " + span.dump(),
                      "spans may not be reversed or overlap");
    spans.emplace_back(start, std::min(end, duration));
    last = end;
  }
  return spans;
}

}  // namespace

double VadFindings::seconds(const std::string& id) const {
  const auto found = speech.find(id);
  if (found == speech.end())
    throw UserError("--vad", "expected findings for clip " + id + ", got none",
                    "run benchmarks/peers/vad.py over the same manifests");
  double sum = 0;
  for (const auto& [start, end] : found->second) sum += end - start;
  return sum;
}

VadFindings parse_vad(std::string_view text, std::string_view where) {
  const io::Json json = io::parse_json(text, where);
  if (!json.is_object()) throw UserError(where, "expected an object");
  if (io::string_at(json, "schema", where) != "otoscope.vad" ||
      io::integer_at(json, "version", where) != 1)
    throw UserError(where, "expected schema otoscope.vad, version 1",
                    "benchmarks/peers/vad.py writes it");
  VadFindings findings;
  findings.detector = io::string_at(json, "detector", where);
  findings.audio_s = io::number_at(json, "audio_s", where);
  findings.busy_s = io::number_at(json, "busy_s", where);
  const io::Json& clips = io::member_at(json, "clips", where);
  if (!clips.is_array()) throw UserError(where, "expected a list at clips");
  for (const io::Json& clip : clips) {
    if (!clip.is_object()) throw UserError(where, "expected objects at clips");
    const std::string id = io::string_at(clip, "id", where);
    const double duration = io::number_at(clip, "duration", where);
    if (!(duration >= 0)) throw UserError(where, "expected a duration of at least 0 for " + id);
    auto spans = spans_of(io::member_at(clip, "speech", where), duration, where);
    if (!findings.speech.emplace(id, std::move(spans)).second)
      throw UserError(where, "expected each clip once, got " + id + " twice");
  }
  return findings;
}

VadFindings read_vad(const std::filesystem::path& path) {
  return parse_vad(io::read_file(path, kVadBytes), path.string());
}

}  // namespace otoscope::steer
