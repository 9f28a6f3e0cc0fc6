#include "otoscope/steer/edited.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/steer/listen.h"

namespace otoscope::steer {
namespace {

constexpr int64_t kChunk = 64;  // windows a file

/// The clean forward of a batch with its values at the sites where edits begin.
struct Clean {
  Tensor<float> audio;
  std::vector<std::pair<model::Site, Tensor<float>>> starts;
};

Clean run_clean(const model::Whisper& model, const HeardBatch& batch,
                const std::vector<model::Site>& sites) {
  Clean clean;
  model::Recorder recorder(sites);
  model::Hook* hook = &recorder;
  clean.audio = model.encode(batch.mel, batch.rows(),
                             sites.empty() ? model::Hooks{} : model::Hooks(&hook, 1));
  for (const model::Site& site : sites)
    clean.starts.emplace_back(site, recorder.last(site).clone());
  return clean;
}

/// The hooks that want something of one of the two stacks: a pass refuses hooks that do not.
std::vector<model::Hook*> hooks_of(const model::Whisper& model, const Edited& edit,
                                   model::Stack stack) {
  const std::vector<model::Site> sites = model::all_sites(model.dims());
  std::vector<model::Hook*> wanted;
  for (model::Hook* hook : edit.hooks)
    if (std::any_of(sites.begin(), sites.end(), [&](const model::Site& site) {
          return site.stack == stack && hook->ask(site) != model::Want::none;
        }))
      wanted.push_back(hook);
  return wanted;
}

Tensor<float> encode_edited(const model::Whisper& model, const HeardBatch& batch,
                            const Clean& clean, const Edited& edit) {
  const auto hooks = hooks_of(model, edit, model::Stack::encoder);
  if (hooks.empty()) return clean.audio.clone();
  if (!edit.resume) return model.encode(batch.mel, batch.rows(), hooks);
  for (const auto& [site, value] : clean.starts) {
    if (!(site == *edit.resume)) continue;
    // The hooks run at the site itself too.
    return model.encode_from(site, value, batch.rows(), hooks);
  }
  OTO_ASSERT(false);
  return {};
}

}  // namespace

void run_edits(const model::Whisper& model, const model::Tokenizer& tokenizer,
               std::span<const SoundWindow> windows, std::span<const Edited> edits, bool clean,
               const HearOptions& options, std::string_view task, Progress& progress,
               const EditDone& done) {
  std::vector<model::Site> sites;
  for (const Edited& edit : edits)
    if (edit.resume && std::find(sites.begin(), sites.end(), *edit.resume) == sites.end())
      sites.push_back(*edit.resume);
  const auto n = static_cast<int64_t>(windows.size());
  progress.start(task, n, "windows");
  for (int64_t first = 0; first < n; first += options.batch) {
    throw_if_interrupted();
    const int64_t count = std::min<int64_t>(options.batch, n - first);
    const HeardBatch batch = load_batch(windows, first, count, model.dims());
    const Clean forward = run_clean(model, batch, sites);
    if (clean) done(-1, first, decode_batch(model, tokenizer, batch, forward.audio, options));
    for (size_t e = 0; e < edits.size(); ++e) {
      throw_if_interrupted();
      const Tensor<float> audio = encode_edited(model, batch, forward, edits[e]);
      const auto hooks = hooks_of(model, edits[e], model::Stack::decoder);
      done(static_cast<int64_t>(e), first,
           decode_batch(model, tokenizer, batch, audio, options, hooks));
    }
    progress.advance(first + count);
  }
  progress.finish();
}

std::vector<std::vector<Heard>> hear_edits(const model::Whisper& model,
                                           const model::Tokenizer& tokenizer,
                                           std::span<const SoundWindow> windows,
                                           std::span<const Edited> edits,
                                           const HearOptions& options, std::string_view task,
                                           Progress& progress) {
  std::vector<std::vector<Heard>> heard(edits.size(), std::vector<Heard>(windows.size()));
  run_edits(model, tokenizer, windows, edits, false, options, task, progress,
            [&](int64_t edit, int64_t first, std::vector<Heard> some) {
              for (size_t i = 0; i < some.size(); ++i)
                heard[static_cast<size_t>(edit)][static_cast<size_t>(first) + i] =
                    std::move(some[i]);
            });
  return heard;
}

std::string identity_of(std::span<const SoundWindow> windows) {
  io::Sha256 hash;
  for (const SoundWindow& window : windows) hash.update(identity_of(window) + "\n");
  return hash.hex();
}

io::Json remembered(const std::filesystem::path& cache, std::string_view kind,
                    const std::string& identity, const std::function<io::Json()>& make) {
  io::make_folder(cache);
  const std::string plan = io::sha256(identity);
  const std::filesystem::path path =
      cache / (std::string(kind) + "-" + plan.substr(0, 16) + ".json");
  if (std::filesystem::exists(path)) {
    const io::Json kept = io::Json::parse(io::read_file(path), nullptr, false);
    if (kept.is_object() && kept.value("plan", std::string()) == plan && kept.contains("what"))
      return kept["what"];
  }
  io::Json made = make();
  io::write_json(path, io::Json{{"plan", plan}, {"what", made}});
  return made;
}

std::vector<Heard> hear_edit(const model::Whisper& model, const model::Tokenizer& tokenizer,
                             std::span<const SoundWindow> windows, const Edited& edit,
                             const std::string& identity, const HearOptions& options,
                             const std::filesystem::path& cache, std::string_view task,
                             Progress& progress) {
  io::make_folder(cache);
  std::vector<Heard> all;
  const auto n = static_cast<int64_t>(windows.size());
  progress.start(task, n, "windows");
  for (int64_t first = 0; first < n; first += kChunk) {
    const auto some = windows.subspan(static_cast<size_t>(first),
                                      static_cast<size_t>(std::min(kChunk, n - first)));
    const io::Json json =
        remembered(cache, "edit",
                   identity + "\n" + options.language + "\n" + std::to_string(options.sample_len) +
                       " " + std::to_string(options.batch) + "\n" + identity_of(some),
                   [&] {
                     io::Json made = io::Json::array();
                     const auto heard = hear_edits(model, tokenizer, some, {&edit, 1}, options,
                                                   task, silent_progress());
                     for (const Heard& one : heard[0]) made.push_back(io::Json(to_json(one)));
                     return made;
                   });
    std::vector<Heard> heard;
    for (const io::Json& one : json) heard.push_back(heard_of(one, "heard"));
    OTO_ASSERT(heard.size() == some.size());
    for (Heard& one : heard) all.push_back(std::move(one));
    progress.advance(first + static_cast<int64_t>(some.size()));
  }
  progress.finish();
  return all;
}

}  // namespace otoscope::steer
