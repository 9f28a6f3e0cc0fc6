#include <set>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/io/hash.h"
#include "otoscope/store/manifest.h"
#include "otoscope/store/store.h"

namespace otoscope::store {

bool clusters_by_speaker(const std::vector<Clip>& clips) {
  std::set<std::string> speakers;
  for (const Clip& clip : clips)
    if (!clip.speaker.empty()) speakers.insert(clip.speaker);
  return speakers.size() >= 10;
}

std::string cluster_of(const Clip& clip, bool by_speaker) {
  if (by_speaker && !clip.speaker.empty()) return clip.speaker;
  if (!clip.prompt_id.empty()) return clip.prompt_id;
  return clip.path.string();
}

void assign_splits(std::vector<Clip>& clips) {
  const bool by_speaker = clusters_by_speaker(clips);
  for (Clip& clip : clips) {
    if (!clip.split.empty()) continue;
    // First 8 bytes of the hash, most significant first.
    const std::string hash = io::sha256(cluster_of(clip, by_speaker)).substr(0, 16);
    const uint64_t tenth = std::stoull(hash, nullptr, 16) % 10;
    clip.split = tenth < 8 ? "train" : tenth == 8 ? "dev" : "test";
  }
}

std::string_view split_of_sound(const std::string& source) {
  Rng rng(name_hash(source), "suppress: sources");
  const double place = rng.uniform();
  return place < .4 ? "train" : place < .4 + .2 ? "dev" : "test";
}

Split split_named(std::string_view name) {
  if (name == "all") return Split::all;
  if (name == "train") return Split::train;
  if (name == "dev") return Split::dev;
  if (name == "test") return Split::test;
  throw UserError("--split", "expected one of all, train, dev, test, got " + std::string(name));
}

}  // namespace otoscope::store
