#include "otoscope/labels/make_labels.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "labels/draft.h"
#include "labels/label_summary.h"
#include "labels/written.h"
#include "otoscope/audio/label_lines.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/labels/espeak.h"
#include "otoscope/model/registry.h"

namespace otoscope::labels {
namespace {

namespace fs = std::filesystem;
using audio::LabelKind;

/// Raised by every change that gives other labels for the same input.
constexpr int kMethod = 4;

bool from_alignment(LabelKind kind) {
  return kind == LabelKind::phone || kind == LabelKind::word || kind == LabelKind::stress ||
         kind == LabelKind::syllable || kind == LabelKind::phone_class;
}
bool from_analysis(LabelKind kind) {
  return kind == LabelKind::part_of_speech || kind == LabelKind::morpheme;
}

Kinds wanted_kinds(const MakeOptions& options) {
  Kinds kinds;
  for (const std::string& name : options.kinds)
    kinds.insert(audio::label_kind_named("--kinds", name));
  if (kinds.empty())
    for (int k = 0; k < audio::kLabelKinds; ++k) kinds.insert(static_cast<LabelKind>(k));
  return kinds;
}

/// Files are hashed once, though many clips may lie in one.
void hash_audio(std::vector<Draft>& drafts, Progress& progress) {
  std::map<fs::path, std::string> hashes;
  progress.start("hash audio", static_cast<int64_t>(drafts.size()), "clips");
  for (size_t i = 0; i < drafts.size(); ++i) {
    throw_if_interrupted();
    auto [found, fresh] = hashes.try_emplace(drafts[i].clip->path);
    std::error_code error;  // a missing file is counted when it is decoded
    if (fresh && fs::is_regular_file(found->first, error))
      found->second = io::sha256_file(found->first);
    drafts[i].audio_sha256 = found->second;
    progress.advance(static_cast<int64_t>(i) + 1);
  }
  progress.finish();
}

/// The model that will help to align, as far as it is here.
std::string aligning_model(const MakeOptions& options) {
  for (const model::KnownModel& known : model::known_models())
    if (known.name == options.align_model && !model::is_fetched(known)) return {};
  return options.align_model;
}

/// Everything that the labels depend on.
std::string inputs_hash(const Making& making, const std::string& manifest_sha256) {
  io::Sha256 hash;
  const auto add = [&](std::string_view text) {
    hash.update(text);
    hash.update("\n");
  };
  add(fmt::format("otoscope.labels {}", kMethod));
  add(manifest_sha256);
  for (const Draft& draft : making.drafts) add(draft.audio_sha256);
  for (const LabelKind kind : making.wanted) add(audio::label_kind_name(kind));
  add(fmt::format("{} {} {}", making.options.keep_score, making.options.voice,
                  aligning_model(making.options)));
  add(espeak_available() ? espeak_version() : "no espeak-ng");
  std::set<std::string> languages;
  for (const Draft& draft : making.drafts) languages.insert(draft.clip->language);
  for (const std::string& language : languages) add(analyser_missing(language));
  return hash.hex();
}

/// What was made of the same inputs, if it is still as it was written.
bool reuse(Making& making, const std::string& inputs) {
  const fs::path file = making.out / "summary.json";
  std::error_code error;
  if (!fs::exists(file, error) || !fs::exists(making.summary.labels, error)) return false;
  const io::Json json = io::read_json(file);
  const auto says = [&](const char* key, const std::string& what) {
    return json.is_object() && json.contains(key) && json[key] == what;
  };
  if (!says("inputs", inputs) || !says("labels_sha256", io::sha256_file(making.summary.labels)))
    return false;
  making.summary = summary_of(json, file.string());
  making.summary.labels = making.out / "labels.jsonl";
  making.summary.reused = true;
  return true;
}

/// The components that a kind asked for by name needs.
void require_components(const Making& making) {
  for (const std::string& name : making.options.kinds) {
    const LabelKind kind = audio::label_kind_named("--kinds", name);
    const bool stated =
        std::any_of(making.drafts.begin(), making.drafts.end(), [&](const Draft& d) {
          return d.labels.find(LabelKind::phone) != nullptr ||
                 d.labels.find(LabelKind::word) != nullptr;
        });
    if ((from_alignment(kind) || from_analysis(kind)) && !espeak_available() && !stated)
      throw UserError("--kinds", fmt::format("{} needs espeak-ng, which this build lacks", name),
                      "apt-get install libespeak-ng-dev, then build again");
    if (!from_analysis(kind)) continue;
    for (const Draft& draft : making.drafts)
      if (analyser_missing(draft.clip->language).empty()) return;
    throw UserError("--kinds",
                    fmt::format("{} needs Apertium, and no language of the manifest has "
                                "an analyser here",
                                name),
                    "apt-get install apertium-eng-spa apertium-fra-cat apertium-cat-ita "
                    "apertium-bel-rus");
  }
}

}  // namespace

LabelSummary make_labels(const fs::path& manifest_path, const fs::path& out,
                         const MakeOptions& options, Progress& progress) {
  const store::Manifest manifest = store::read_manifest(manifest_path);
  if (manifest.clips.empty()) throw UserError(manifest_path.string(), "expected clips, got none");
  Making making{out, options, wanted_kinds(options), {}, {}, progress};
  making.summary.manifest = manifest_path;
  making.summary.labels = out / "labels.jsonl";
  for (const store::Clip& clip : manifest.clips) {
    Draft& draft = making.drafts.emplace_back();
    draft.clip = &clip;
    draft.labels.id = clip.id;
  }
  io::make_folder(out);
  const io::FolderLock lock(out);
  hash_audio(making.drafts, progress);
  const std::string inputs = inputs_hash(making, manifest.sha256);
  if (reuse(making, inputs)) return making.summary;

  add_measured(making);
  add_stated(making, io::read_file(manifest_path));
  require_components(making);
  add_aligned(making);
  add_derived(making);
  if (std::any_of(making.wanted.begin(), making.wanted.end(), from_analysis) ||
      making.wants(LabelKind::meaning))
    analyse_texts(making);
  add_analysed(making);
  if (making.wants(LabelKind::meaning)) add_meaning(making);

  for (Draft& draft : making.drafts) {
    if (!draft.decoded) continue;
    auto& tracks = draft.labels.tracks;
    tracks.erase(std::remove_if(tracks.begin(), tracks.end(),
                                [&](const audio::Track& t) { return !making.wants(t.kind); }),
                 tracks.end());
    audio::check_labels(fmt::format("{}: {}", manifest_path.string(), draft.labels.id),
                        draft.labels);
  }
  write_labels(making, inputs);
  return making.summary;
}

}  // namespace otoscope::labels
