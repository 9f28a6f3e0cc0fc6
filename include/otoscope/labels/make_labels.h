#pragma once
/// All labels of a corpus in one file: what its manifest says, what is measured, aligned, looked up
/// and analysed.

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/audio/labels.h"
#include "otoscope/core/options.h"
#include "otoscope/core/progress.h"
#include "otoscope/labels/align.h"
#include "otoscope/labels/analysers.h"
#include "otoscope/labels/meaning.h"

namespace otoscope::labels {

struct MakeOptions {
  std::vector<std::string> kinds;  // empty = every kind that can be had
  double keep_score = AlignerOptions().keep_score;
  std::string voice;
  std::string align_model = "whisper-base";

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("kinds", o.kinds, "kinds of labels (phone, word, pitch, ...); none: all that can be had");
    v("keep-score", o.keep_score,
      "clips whose alignment has a lower score are left out: without a model, the share of wrong "
      "texts that must fit worse; 0: .85, with a model .24",
      Range{0, 1});
    v("voice", o.voice, "variant of espeak-ng's voice that recordings are aligned with");
    v("align-model", o.align_model,
      "model whose encoder helps to align; empty: none, so that no label depends on a model");
  }
};

struct KindCount {
  int64_t clips = 0, labels = 0;
  double seconds_known = 0;
  std::set<std::string> sources;
  std::map<std::string, int64_t> values;  // labels per value
};

struct LabelSummary {
  std::filesystem::path labels, manifest;
  bool reused = false;  // the same inputs had been labelled before
  int64_t clips = 0;
  double seconds = 0;
  std::map<audio::LabelKind, KindCount> kinds;
  std::map<std::string, int64_t> left_out;        // clips without alignment or sound, by reason
  std::vector<double> alignment_scores;           // of clips with a text, kept or not
  std::map<std::string, WordCounts> words;        // per analysed language
  int64_t concepts = 0, concepts_learned_on = 0;  // words that mean the same; texts they are from
  std::vector<DictionaryCheck> dictionaries;      // how these fare against dictionaries
  int64_t unknown_phones = 0;                     // not in the table of sounds
  std::vector<std::string> notes;                 // what is missing, one line each
};

/// Writes OUT/labels.jsonl and OUT/summary.json (docs/labels.md). Alignments are kept in
/// OUT/aligned, so that a killed run, or one that asks for other kinds, does not repeat them; where
/// manifest, audio, options and components are unchanged, nothing is made again. UserError: nothing
/// to label, an unknown kind, a kind whose component is missing though it was asked for by name.
LabelSummary make_labels(const std::filesystem::path& manifest, const std::filesystem::path& out,
                         const MakeOptions& options, Progress& progress = silent_progress());

/// As it stands in summary.json: schema "otoscope.labels", version 1.
nlohmann::ordered_json to_json(const LabelSummary& summary);

}  // namespace otoscope::labels
