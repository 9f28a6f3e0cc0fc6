#include "labels/written.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "otoscope/audio/label_lines.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"

namespace otoscope::labels {
namespace {

/// Seconds that at least one stretch covers.
double covered(std::vector<std::pair<double, double>> stretches) {
  std::sort(stretches.begin(), stretches.end());
  double seconds = 0, reached = 0;
  for (const auto& [from, to] : stretches) {
    seconds += std::max(0.0, to - std::max(from, reached));
    reached = std::max(reached, to);
  }
  return seconds;
}

void count(Making& making) {
  LabelSummary& summary = making.summary;
  for (const Draft& draft : making.drafts) {
    if (!draft.decoded) continue;
    ++summary.clips;
    summary.seconds += draft.labels.duration_s;
    std::map<audio::LabelKind, std::vector<std::pair<double, double>>> known;
    for (const audio::Track& track : draft.labels.tracks) {
      KindCount& kind = summary.kinds[track.kind];
      known[track.kind].emplace_back(track.known_from, track.known_to);
      kind.labels += static_cast<int64_t>(track.labels.size());
      kind.sources.insert(track.source);
      for (const audio::Label& label : track.labels) ++kind.values[label.value];
    }
    for (auto& [kind, stretches] : known) {
      ++summary.kinds[kind].clips;
      summary.kinds[kind].seconds_known += covered(std::move(stretches));
    }
  }
}

std::string written_sha256(const Making& making) {
  io::AtomicFile file(making.summary.labels);
  io::Sha256 hash;
  for (const Draft& draft : making.drafts) {
    if (!draft.decoded) continue;
    const std::string line = audio::label_line(draft.labels) + "\n";
    file.write(line);
    hash.update(line);
  }
  file.commit();
  return hash.hex();
}

}  // namespace

void write_labels(Making& making, std::string_view inputs) {
  count(making);
  const std::string sha256 = written_sha256(making);
  auto json = to_json(making.summary);
  json["inputs"] = inputs;
  json["labels_sha256"] = sha256;
  io::write_json(making.out / "summary.json", json);
}

}  // namespace otoscope::labels
