#pragma once
/// The model as it is on all windows: what it writes, and what is pooled of it. Kept on
/// disk in chunks, so that an interrupted run goes on and another question costs nothing.

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/io/json.h"
#include "otoscope/steer/detector.h"
#include "otoscope/steer/hallucination.h"

namespace otoscope::steer {

struct SiteSae {
  model::Site site;
  const sae::Sae* sae = nullptr;
};

struct Listened {
  std::vector<Heard> heard;     // sounds: with the language forced; speech: in its own
  std::vector<Heard> detected;  // sounds: with the language detected; empty where not asked for
  std::vector<Loudness> loudness;
  std::vector<Pooled> pooled;  // one an SAE
};

struct ListenOptions {
  HearOptions hear;
  bool detect = false;
  int64_t chunk = 64;  // windows a file
};

/// CACHE/clean-PLAN.json and .safetensors, PLAN from model, SAEs, sound files, options and the ids
/// of the chunk. A file that cannot be read or is of another plan is made again.
Listened listen(const model::Whisper& model, const model::Tokenizer& tokenizer,
                std::span<const SoundWindow> windows, std::span<const SiteSae> saes,
                const ListenOptions& options, const std::filesystem::path& cache,
                std::string_view task, Progress& progress);

io::OrderedJson to_json(const Heard& heard);
Heard heard_of(const io::Json& json, std::string_view where);

/// What a window is, for hashes: clip, place in it, reference.
std::string identity_of(const SoundWindow& window);

}  // namespace otoscope::steer
