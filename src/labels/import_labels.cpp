#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "labels/draft.h"
#include "labels/written.h"
#include "otoscope/audio/decode.h"
#include "otoscope/audio/label_lines.h"
#include "otoscope/audio/label_tables.h"
#include "otoscope/audio/textgrid.h"
#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"
#include "otoscope/labels/exchange.h"
#include "otoscope/labels/phonology.h"

namespace otoscope::labels {
namespace {

namespace fs = std::filesystem;
using audio::ClipLabels;

constexpr int64_t kLargest = int64_t{256} << 20;

std::string extension_of(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return extension;
}

/// A file's clips, and where each came from, for errors.
struct Read {
  ClipLabels clip;
  std::string where;
};

void read_textgrid(const fs::path& file, std::string id, std::vector<Read>& out,
                   std::vector<std::string>& notes) {
  std::vector<std::string> passed_over;
  const auto grid = audio::parse_textgrid(io::read_file(file, kLargest), file.string());
  out.push_back({audio::labels_of(grid, std::move(id), &passed_over), file.string()});
  for (const std::string& tier : passed_over)
    if (notes.size() < 10)
      notes.push_back(fmt::format("{}: tier \"{}\" is of no known kind", file.string(), tier));
}

std::vector<Read> read_all(const fs::path& from, audio::LabelKind table_kind,
                           std::vector<std::string>& notes) {
  std::vector<Read> read;
  std::error_code error;
  if (fs::is_directory(from, error)) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(from))
      if (entry.is_regular_file() && extension_of(entry.path()) == ".textgrid")
        files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    if (files.empty())
      throw UserError(from.string(), "expected TextGrids in this folder, got none");
    for (const fs::path& file : files)
      read_textgrid(file, fs::relative(file, from).replace_extension().string(), read, notes);
    return read;
  }
  const std::string extension = extension_of(from);
  if (extension == ".textgrid") {
    read_textgrid(from, from.stem().string(), read, notes);
    return read;
  }
  const std::string bytes = io::read_file(from, kLargest);
  std::vector<ClipLabels> clips;
  if (extension == ".ctm")
    clips = audio::parse_ctm(bytes, from.string(), table_kind);
  else if (extension == ".rttm")
    clips = audio::parse_rttm(bytes, from.string());
  else if (extension == ".jsonl" || extension == ".json")
    clips = audio::parse_label_lines(bytes, from.string());
  else
    throw UserError(from.string(),
                    "expected a .TextGrid, .ctm, .rttm or .jsonl, or a folder of TextGrids");
  for (ClipLabels& clip : clips) {
    std::string where = fmt::format("{}: {}", from.string(), clip.id);
    read.push_back({std::move(clip), std::move(where)});
  }
  return read;
}

/// Clips by every name that a label file may call them.
class Names {
 public:
  explicit Names(const std::vector<store::Clip>& clips) {
    for (const store::Clip& clip : clips) by_id_.emplace(clip.id, &clip);
    for (const store::Clip& clip : clips) {
      add(fs::path(clip.id).filename().string(), clip);
      add(clip.path.stem().string(), clip);
    }
  }
  const store::Clip& find(const std::string& name, const std::string& where) const {
    if (const auto found = by_id_.find(name); found != by_id_.end()) return *found->second;
    const auto found = by_short_name_.find(fs::path(name).filename().string());
    if (found == by_short_name_.end())
      throw UserError(where,
                      fmt::format("the manifest has no clip \"{}\" (its first is \"{}\")", name,
                                  by_id_.empty() ? "" : by_id_.begin()->first),
                      "give the manifest that these labels belong to");
    if (found->second == nullptr)
      throw UserError(where, fmt::format("several clips of the manifest are called \"{}\"", name),
                      "use the manifest's ids as names");
    return *found->second;
  }

 private:
  void add(const std::string& name, const store::Clip& clip) {
    const auto [found, fresh] = by_short_name_.emplace(name, &clip);
    if (!fresh && found->second != &clip) found->second = nullptr;  // says nothing
  }
  std::map<std::string, const store::Clip*> by_id_, by_short_name_;
};

double duration_of(const store::Clip& clip) {
  if (clip.duration_s > 0) return clip.duration_s;
  const auto pcm = audio::decode_file(clip.path, clip.offset_s, clip.duration_s);
  return audio::seconds_of_samples(static_cast<int64_t>(pcm.size()));
}

/// Tables that give ends instead of durations, or samples instead of seconds, are common.
void check_units(const Read& read, double duration_s) {
  const double states = read.clip.duration_s;
  if (states <= duration_s + audio::kFrameSeconds) return;
  bool whole = true;
  for (const auto& track : read.clip.tracks)
    for (const auto& label : track.labels)
      whole = whole && label.start == std::floor(label.start) && label.end == std::floor(label.end);
  if (whole && states > 10 * duration_s)
    throw UserError(read.where,
                    fmt::format("its times are whole numbers up to {:.0f}, but the clip has {:.3f} "
                                "s: they seem to be samples",
                                states, duration_s),
                    "divide them by the sample rate");
  for (const auto& track : read.clip.tracks)
    for (const auto& label : track.labels)
      if (label.end > duration_s + audio::kFrameSeconds && label.end - label.start <= duration_s &&
          (track.source == "ctm" || track.source == "rttm"))
        throw UserError(read.where,
                        fmt::format("\"{}\" from {:.3f} s takes {:.3f} s, past the clip's end at "
                                    "{:.3f} s",
                                    label.value, label.start, label.end - label.start, duration_s),
                        "the table must state durations; these may be ends");
}

}  // namespace

LabelSummary import_labels(const fs::path& from, const fs::path& manifest_path, const fs::path& out,
                           std::string_view table_kind) {
  const store::Manifest manifest = store::read_manifest(manifest_path);
  const Names names(manifest.clips);
  Making making{out, {}, {}, {}, {}, silent_progress()};
  for (int k = 0; k < audio::kLabelKinds; ++k)
    making.wanted.insert(static_cast<audio::LabelKind>(k));
  making.summary.manifest = manifest_path;
  making.summary.labels = out / "labels.jsonl";
  auto read =
      read_all(from, audio::label_kind_named("--table-kind", table_kind), making.summary.notes);
  std::map<std::string, std::string> seen;
  for (Read& one : read) {
    const store::Clip& clip = names.find(one.clip.id, one.where);
    const auto [before, fresh] = seen.emplace(clip.id, one.where);
    if (!fresh)
      throw UserError(one.where,
                      fmt::format("labels of {} came before, from {}", clip.id, before->second));
    const double duration = duration_of(clip);
    check_units(one, duration);
    Draft& draft = making.drafts.emplace_back();
    draft.clip = &clip;
    draft.decoded = true;
    draft.labels.id = clip.id;
    draft.labels.duration_s = duration;
    for (audio::Track& track : one.clip.tracks) {
      // A table knows nothing of what lies behind its last line.
      track.known_to = std::min(std::max(track.known_to, 0.0), duration);
      draft.labels.tracks.push_back(as_ipa(std::move(track)));
    }
    audio::check_labels(one.where, draft.labels);
  }
  add_derived(making);
  io::make_folder(out);
  write_labels(making, "import");
  return making.summary;
}

}  // namespace otoscope::labels
