#include "labels/written.h"

#include <nlohmann/json.hpp>

#include "otoscope/audio/label_lines.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"

namespace otoscope::labels {
namespace {

void count(Making& making) {
  LabelSummary& summary = making.summary;
  for (const Draft& draft : making.drafts) {
    if (!draft.decoded) continue;
    ++summary.clips;
    summary.seconds += draft.labels.duration_s;
    Kinds here;
    for (const audio::Track& track : draft.labels.tracks) {
      KindCount& kind = summary.kinds[track.kind];
      kind.clips += here.insert(track.kind).second;
      kind.labels += static_cast<int64_t>(track.labels.size());
      kind.seconds_known += track.known_to - track.known_from;
      kind.sources.insert(track.source);
      for (const audio::Label& label : track.labels) ++kind.values[label.value];
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
