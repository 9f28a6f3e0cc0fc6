#pragma once
/// A corpus as JSON lines with NeMo's keys (formats.md §6.1), and its split into train, dev and
/// test.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "otoscope/core/progress.h"

namespace otoscope::store {

struct Clip {
  std::filesystem::path path;  // resolved against the manifest's folder
  double offset_s = 0.0;
  double duration_s = -1.0;         // -1 = not stated
  std::optional<std::string> text;  // "" = known to be empty, absent = unknown
  std::string id;                   // `id` key, else the relative path without extension
  std::string language, speaker, gender, accent, age, split, prompt_id, source, kind, sound,
      licence, noise_level;
  bool speech = true;
  int corpus = 0;  // which of several that are read as one (store/joined.h)
};

struct Manifest {
  std::filesystem::path path;
  std::string sha256;
  std::vector<Clip> clips;
};

/// Broken lines are a UserError "[manifest.jsonl:17] …".
Manifest read_manifest(const std::filesystem::path& path);

/// 80/10/10 train/dev/test by hash of the cluster: the speaker where the corpus has at least 10
/// speakers, else the prompt id (all its languages together), else the path. A `split` key in the
/// manifest wins.
void assign_splits(std::vector<Clip>& clips);
/// 40/20/40 by hash of what a sound is of, for sounds without speech: what is learned from a few
/// hundred of them is little beside what must be left to test it on.
std::string_view split_of_sound(const std::string& source);
/// What intervals and nulls resample (methods.md §0): same rule as the splits.
std::string cluster_of(const Clip& clip, bool by_speaker);
/// True where the corpus has at least 10 speakers.
bool clusters_by_speaker(const std::vector<Clip>& clips);

}  // namespace otoscope::store
