#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "labels/draft.h"
#include "otoscope/audio/label_lines.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/json.h"
#include "otoscope/labels/align.h"
#include "otoscope/labels/espeak.h"
#include "otoscope/model/registry.h"
#include "otoscope/model/whisper.h"

namespace otoscope::labels {
namespace {

namespace fs = std::filesystem;
using audio::LabelKind;

constexpr size_t kPartClips = 256;  // what a kill may cost
/// Raised when the aligner gives other times or phones for the same clip, so that old parts are
/// made again (and kMethod in make_labels.cpp with it).
constexpr int kAlignment = 4;

/// One bar for all parts.
class PartProgress : public Progress {
 public:
  PartProgress(Progress& whole, int64_t before) : whole_(whole), before_(before) {}
  void start(std::string_view, int64_t, std::string_view) override {}
  void advance(int64_t done, std::string_view live) override {
    whole_.advance(before_ + done, live);
  }
  void finish() override {}
  void note(std::string_view text) override { whole_.note(text); }

 private:
  Progress& whole_;
  int64_t before_;
};

struct Part {
  std::vector<audio::ClipLabels> kept;
  std::map<std::string, int64_t> left_out;
  std::vector<double> scores;
};

std::string key_of(const Aligner& aligner, std::span<Draft* const> drafts) {
  io::Sha256 hash;
  const auto& options = aligner.options();
  hash.update(fmt::format("{} {} {} {} {}\n", kAlignment, aligner.source(), options.variant,
                          options.keep_score, options.longest_s));
  for (const Draft* draft : drafts)
    hash.update(fmt::format("{}\n{}\n{}\n{} {} {}\n", draft->clip->id, draft->clip->language,
                            *draft->clip->text, draft->audio_sha256, draft->clip->offset_s,
                            draft->clip->duration_s));
  return hash.hex();
}

/// A part as it was written: its first line is what is known of it as a whole.
bool read_part(const fs::path& file, const std::string& key, Part& part) {
  std::error_code error;
  if (!fs::exists(file, error)) return false;
  const std::string text = io::read_file(file);
  const size_t line_end = std::min(text.find('\n'), text.size());
  const io::Json head = io::parse_json(text.substr(0, line_end), file.string());
  if (!head.is_object() || !head.contains("key") || head["key"] != key) return false;
  try {
    part.left_out = head.at("left_out").get<std::map<std::string, int64_t>>();
    part.scores = head.at("scores").get<std::vector<double>>();
  } catch (const io::Json::exception&) {
    return false;  // it is made again
  }
  part.kept = audio::parse_label_lines(std::string_view(text).substr(line_end), file.string());
  return true;
}

void write_part(const fs::path& file, const std::string& key, const Part& part) {
  const io::OrderedJson head = {{"key", key}, {"left_out", part.left_out}, {"scores", part.scores}};
  io::AtomicFile out(file);
  out.write(head.dump() + "\n");
  for (const auto& clip : part.kept) out.write(audio::label_line(clip) + "\n");
  out.commit();
}

Part align_part(const Aligner& aligner, std::span<Draft* const> drafts, Progress& progress) {
  std::vector<store::Clip> clips;
  for (const Draft* draft : drafts) clips.push_back(*draft->clip);
  AlignedClips aligned = align_clips(aligner, clips, progress);
  return {std::move(aligned.kept), std::move(aligned.left_out), std::move(aligned.scores)};
}

/// Clips whose language espeak-ng does not speak are counted, and the rest goes on.
void leave_out_unknown_languages(Making& making, std::vector<Draft*>& drafts) {
  std::map<std::string, int64_t> clips;
  for (const Draft* draft : drafts) ++clips[draft->clip->language];
  std::set<std::string> unknown;
  for (const auto& [language, count] : clips) try {
      speak("", {language});
    } catch (const UserError& error) {
      unknown.insert(language);
      making.summary.left_out["alignment: unknown language"] += count;
      making.summary.notes.emplace_back(error.what());
    }
  drafts.erase(
      std::remove_if(drafts.begin(), drafts.end(),
                     [&](const Draft* draft) { return unknown.count(draft->clip->language) != 0; }),
      drafts.end());
}

/// The model that helps, or none: without it texts are still aligned, by cepstra alone.
std::optional<model::Whisper> encoder_for(Making& making) {
  const std::string& name = making.options.align_model;
  if (name.empty()) return {};
  const auto& known = model::known_models();
  const auto found = std::find_if(known.begin(), known.end(), [&](const model::KnownModel& model) {
    return model.name == name;
  });
  if (found != known.end() && !model::is_fetched(*found)) {
    making.summary.notes.push_back("aligned without an encoder: " + name +
                                   " is not here (otoscope models get " + name + ")");
    return {};
  }
  model::LoadOptions options;
  options.precision = Precision::bf16;
  return model::Whisper::load(name, options, making.progress);
}

}  // namespace

void add_aligned(Making& making) {
  static constexpr LabelKind of_alignment[] = {LabelKind::phone, LabelKind::word, LabelKind::stress,
                                               LabelKind::syllable};
  const bool wanted = std::any_of(std::begin(of_alignment), std::end(of_alignment),
                                  [&](LabelKind kind) { return making.wants(kind); }) ||
                      making.wants(LabelKind::phone_class) ||
                      making.wants(LabelKind::part_of_speech) ||
                      making.wants(LabelKind::morpheme) || making.wants(LabelKind::meaning) ||
                      making.wants(LabelKind::position);
  std::vector<Draft*> drafts;
  int64_t without_text = 0;
  for (Draft& draft : making.drafts) {
    const store::Clip& clip = *draft.clip;
    if (!draft.decoded || !clip.speech || draft.labels.find(LabelKind::phone) != nullptr) continue;
    if (clip.text && !clip.text->empty() && !clip.language.empty())
      drafts.push_back(&draft);
    else
      ++without_text;
  }
  if (!wanted || drafts.empty()) return;
  if (without_text > 0) making.summary.left_out["no text or language"] = without_text;
  if (!espeak_available()) {
    making.summary.notes.push_back(
        "phones and words are not aligned: this build lacks espeak-ng (apt-get install "
        "libespeak-ng-dev, then build again)");
    return;
  }

  leave_out_unknown_languages(making, drafts);
  std::map<std::string, Draft*> by_id;
  for (Draft* draft : drafts) by_id[draft->clip->id] = draft;
  const fs::path folder = making.out / "aligned";
  io::make_folder(folder);
  const std::optional<model::Whisper> whisper = encoder_for(making);
  const Aligner aligner({making.options.voice, making.options.keep_score},
                        whisper ? &*whisper : nullptr);
  making.progress.start("align phones and words", static_cast<int64_t>(drafts.size()), "clips");
  for (size_t first = 0, number = 0; first < drafts.size(); first += kPartClips, ++number) {
    throw_if_interrupted();
    const auto here = std::span(drafts).subspan(first, std::min(kPartClips, drafts.size() - first));
    const fs::path file = folder / fmt::format("part-{:05}.jsonl", number);
    const std::string key = key_of(aligner, here);
    Part part;
    if (!read_part(file, key, part)) {
      PartProgress progress(making.progress, static_cast<int64_t>(first));
      part = align_part(aligner, here, progress);
      write_part(file, key, part);
    }
    for (const auto& [reason, clips] : part.left_out)
      making.summary.left_out["alignment: " + reason] += clips;
    making.summary.alignment_scores.insert(making.summary.alignment_scores.end(),
                                           part.scores.begin(), part.scores.end());
    for (audio::ClipLabels& clip : part.kept) {
      Draft& draft = *by_id.at(clip.id);
      for (audio::Track& track : clip.tracks) {
        if (track.kind == LabelKind::silence) continue;  // measured, in every clip by one rule
        draft.labels.tracks.push_back(std::move(track));
      }
    }
    making.progress.advance(static_cast<int64_t>(first + here.size()));
  }
  making.progress.finish();
}

}  // namespace otoscope::labels
