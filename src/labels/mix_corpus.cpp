#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "otoscope/audio/decode.h"
#include "otoscope/audio/time.h"
#include "otoscope/audio/wav.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"
#include "otoscope/io/file.h"
#include "otoscope/io/json.h"
#include "otoscope/labels/sounds.h"
#include "otoscope/store/manifest.h"

namespace otoscope::labels {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kClipsAtOnce = 64;  // clips between looks at ctrl-C

struct Condition {
  std::string name;
  double snr_db = 0, reverb_s = 0;
  enum class Kind : uint8_t { clean, noise, reverb } kind = Kind::clean;
};

std::vector<Condition> conditions_of(MixOptions options) {
  if (options.snr.empty() && options.reverb.empty()) {
    options.snr = {20, 10, 0};
    options.reverb = {0.5f};
  }
  std::vector<Condition> all = {{"clean", 0, 0, Condition::Kind::clean}};
  for (const float snr : options.snr)
    all.push_back({fmt::format("snr {:g} dB", snr), snr, 0, Condition::Kind::noise});
  for (const float seconds : options.reverb)
    all.push_back({fmt::format("reverb {:g} s", seconds), 0, seconds, Condition::Kind::reverb});
  return all;
}

struct Mix {
  const store::Clip* clip = nullptr;
  const Condition* condition = nullptr;
  const store::Clip* noise = nullptr;
  double duration_s = 0;
};

/// Conditions in turn, in a random order of the clips of each language and split.
std::vector<Mix> planned(const std::vector<store::Clip>& speech,
                         const std::vector<store::Clip>& noise,
                         const std::vector<Condition>& conditions, uint64_t seed) {
  std::map<std::string, std::vector<const store::Clip*>> groups, noise_of_split;
  for (const store::Clip& clip : speech)
    if (clip.speech) groups[clip.language + "/" + clip.split].push_back(&clip);
  for (const store::Clip& clip : noise)
    if (!clip.speech) noise_of_split[clip.split].push_back(&clip);
  std::vector<Mix> mixes;
  for (const auto& [name, clips] : groups) {
    Rng rng(seed, "mix " + name);
    const auto order = rng.permutation(static_cast<int64_t>(clips.size()));
    for (size_t i = 0; i < order.size(); ++i) {
      Mix mix{clips[static_cast<size_t>(order[i])], &conditions[i % conditions.size()]};
      if (mix.condition->kind == Condition::Kind::noise) {
        const auto& choice = noise_of_split[mix.clip->split];
        if (choice.empty())
          throw UserError("--mix-with",
                          fmt::format("no noise falls into the {} split", mix.clip->split),
                          "give a corpus of more sounds that are not speech");
        mix.noise = choice[rng.below(choice.size())];
      }
      mixes.push_back(mix);
    }
  }
  std::sort(mixes.begin(), mixes.end(),
            [](const Mix& a, const Mix& b) { return a.clip->id < b.clip->id; });
  return mixes;
}

fs::path file_of(const Mix& mix) { return fs::path("audio") / (mix.clip->id + ".wav"); }

void write_mix(Mix& mix, const fs::path& out, uint64_t seed) {
  const store::Clip& clip = *mix.clip;
  auto pcm = audio::decode_file(clip.path, clip.offset_s, clip.duration_s);
  mix.duration_s = audio::seconds_of_samples(static_cast<int64_t>(pcm.size()));
  const fs::path file = io::inside(out, file_of(mix).string(), clip.id);
  std::error_code error;
  if (fs::exists(file, error)) return;  // written whole by an earlier run of the same plan
  Rng rng(seed, "mix clip " + clip.id);
  if (mix.condition->kind == Condition::Kind::noise)
    pcm = mixed_at_snr(
        pcm, audio::decode_file(mix.noise->path, mix.noise->offset_s, mix.noise->duration_s),
        mix.condition->snr_db, rng);
  if (mix.condition->kind == Condition::Kind::reverb)
    pcm = reverberated(pcm, mix.condition->reverb_s, rng);
  std::vector<int16_t> samples(pcm.size());
  for (size_t i = 0; i < pcm.size(); ++i)
    samples[i] = static_cast<int16_t>(
        std::clamp(std::lround(static_cast<double>(pcm[i]) * 32768), -32768L, 32767L));
  io::make_folder(file.parent_path());
  io::write_file(file, audio::encode_wav(samples));
}

std::string manifest_line(const Mix& mix) {
  const store::Clip& clip = *mix.clip;
  io::OrderedJson json;
  json["audio_filepath"] = file_of(mix).string();
  json["duration"] = mix.duration_s;
  if (clip.text) json["text"] = *clip.text;
  json["id"] = clip.id;
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = value;
  };
  add("language", clip.language), add("speaker", clip.speaker), add("gender", clip.gender);
  add("prompt_id", clip.prompt_id), add("split", clip.split), add("source", clip.source);
  add("licence", clip.licence);
  json["noise_level"] = mix.condition->name;
  if (mix.noise != nullptr) json["noise"] = mix.noise->id;
  return json.dump() + "\n";
}

/// The plan beside the audio: another one begins anew.
void keep_only_if_same(const fs::path& out, const std::string& plan) {
  const fs::path file = out / "mix.json";
  std::error_code error;
  if (fs::exists(file, error) && io::read_file(file) == plan) return;
  fs::remove_all(out / "audio", error);
  io::write_file(file, plan);
}

}  // namespace

fs::path mix_corpus(const fs::path& speech_path, const fs::path& noise_path, const fs::path& out,
                    const MixOptions& options, uint64_t seed, Progress& progress) {
  store::Manifest speech = store::read_manifest(speech_path),
                  noise = store::read_manifest(noise_path);
  store::assign_splits(speech.clips);
  for (store::Clip& clip : noise.clips)
    if (clip.prompt_id.empty()) clip.prompt_id = clip.source;  // what noises are split by
  store::assign_splits(noise.clips);
  const auto conditions = conditions_of(options);
  auto mixes = planned(speech.clips, noise.clips, conditions, seed);
  if (mixes.empty()) throw UserError(speech_path.string(), "expected clips of speech, got none");
  io::make_folder(out);
  const io::FolderLock lock(out);
  io::OrderedJson plan = {{"speech", speech.sha256}, {"noise", noise.sha256}, {"seed", seed}};
  for (const Condition& condition : conditions) plan["conditions"].push_back(condition.name);
  keep_only_if_same(out, plan.dump(1) + "\n");
  const auto clips = static_cast<int64_t>(mixes.size());
  progress.start("mix noise into speech", clips, "clips");
  for (int64_t first = 0; first < clips; first += kClipsAtOnce) {
    throw_if_interrupted();
    const int64_t n = std::min(kClipsAtOnce, clips - first);
    parallel_ranges(n, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = first + begin; i < first + end; ++i)
        write_mix(mixes[static_cast<size_t>(i)], out, seed);
    });
    progress.advance(first + n);
  }
  progress.finish();
  std::string manifest;
  for (const Mix& mix : mixes) manifest += manifest_line(mix);
  io::write_file(out / "manifest.jsonl", manifest);
  return out / "manifest.jsonl";
}

}  // namespace otoscope::labels
