#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/time.h"
#include "otoscope/audio/wav.h"
#include "otoscope/contexts/transform.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/store/manifest.h"

namespace otoscope::contexts {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kBatch = 64;  // clips between looks at ctrl-C

fs::path file_of(const store::Clip& clip) { return fs::path("audio") / (clip.id + ".wav"); }

std::string plan_of(const store::Manifest& manifest, const store::Manifest& noise,
                    const MakeOptions& options) {
  io::OrderedJson plan{{"data", manifest.sha256}, {"seed", options.seed}};
  plan["noise"] = noise.sha256;
  for (const Step& step : options.steps) plan["steps"].push_back(step_text(step));
  return plan.dump(1) + "\n";
}

std::vector<int16_t> samples_of(std::span<const float> pcm) {
  std::vector<int16_t> samples(pcm.size());
  for (size_t i = 0; i < pcm.size(); ++i)
    samples[i] = static_cast<int16_t>(
        std::clamp(std::lround(static_cast<double>(pcm[i]) * 32768), -32768L, 32767L));
  return samples;
}

/// Writes one clip's file where it is not there; returns its seconds.
double write_clip(const store::Clip& clip, const std::vector<store::Clip>& noise,
                  const fs::path& out, const MakeOptions& options) {
  const fs::path file = io::inside(out, file_of(clip).string(), clip.id);
  std::error_code error;
  if (const auto bytes = fs::file_size(file, error); !error && bytes > 44)
    return audio::seconds_of_samples((static_cast<int64_t>(bytes) - 44) / 2);
  const auto pcm = audio::decode_file(clip.path, clip.offset_s, clip.duration_s);
  Rng rng(options.seed, "contexts: make " + clip.id);
  std::vector<float> sounds;
  if (!noise.empty()) {
    const store::Clip& one = noise[rng.below(noise.size())];
    sounds = audio::decode_file(one.path, one.offset_s, one.duration_s);
  }
  const auto changed = transformed(pcm, options.steps, rng, sounds);
  if (changed.empty()) throw UserError(clip.id, "expected samples after the transform, got none");
  io::make_folder(file.parent_path());
  io::write_file(file, audio::encode_wav(samples_of(changed)));
  return audio::seconds_of_samples(static_cast<int64_t>(changed.size()));
}

std::string line_of(const store::Clip& clip, double seconds, const std::string& transform) {
  io::OrderedJson json;
  json["audio_filepath"] = file_of(clip).string();
  json["duration"] = seconds;
  if (clip.text) json["text"] = *clip.text;
  json["id"] = clip.id;
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  add("language", clip.language), add("speaker", clip.speaker), add("gender", clip.gender);
  add("accent", clip.accent), add("age", clip.age);
  add("prompt_id", clip.prompt_id), add("split", clip.split), add("source", clip.source);
  add("kind", clip.kind), add("sound", clip.sound), add("licence", clip.licence);
  if (!clip.speech) json["speech"] = false;
  json["transform"] = transform;
  return json.dump() + "\n";
}

}  // namespace

fs::path make_context(const fs::path& manifest_path, const fs::path& out,
                      const MakeOptions& options, Progress& progress) {
  if (options.steps.empty())
    throw UserError("--transform", "expected at least one transform, got none");
  store::Manifest manifest = store::read_manifest(manifest_path), noise;
  if (manifest.clips.empty())
    throw UserError(manifest_path.string(), "expected clips, got an empty manifest");
  if (!options.noise.empty()) {
    noise = store::read_manifest(options.noise);
    if (noise.clips.empty())
      throw UserError(options.noise.string(), "expected sounds, got an empty manifest");
  }
  // What is split by hash must stay where it was: sources and prompts are the same, paths are not.
  store::assign_splits(manifest.clips);
  io::make_folder(out);
  const io::FolderLock lock(out);
  const std::string plan = plan_of(manifest, noise, options);
  std::error_code error;
  if (!fs::exists(out / "plan.json", error) || io::read_file(out / "plan.json") != plan) {
    fs::remove(out / "manifest.jsonl", error);
    fs::remove_all(out / "audio", error);
    io::write_file(out / "plan.json", plan);
  }
  std::string transform;
  for (const Step& step : options.steps)
    transform += (transform.empty() ? "" : ",") + step_text(step);
  const auto n = static_cast<int64_t>(manifest.clips.size());
  std::vector<double> seconds(manifest.clips.size(), 0);
  progress.start("make " + transform, n, "clips");
  for (int64_t first = 0; first < n; first += kBatch) {
    throw_if_interrupted();
    const int64_t count = std::min(kBatch, n - first);
    parallel_ranges(count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = first + begin; i < first + end; ++i)
        seconds[static_cast<size_t>(i)] =
            write_clip(manifest.clips[static_cast<size_t>(i)], noise.clips, out, options);
    });
    progress.advance(first + count);
  }
  progress.finish();
  std::string lines;
  for (size_t i = 0; i < manifest.clips.size(); ++i)
    lines += line_of(manifest.clips[i], seconds[i], transform);
  io::write_file(out / "manifest.jsonl", lines);
  return out / "manifest.jsonl";
}

}  // namespace otoscope::contexts
