#pragma once
/// How good the alignment is, by what is known: synthetic voices unlike the one that is aligned
/// with, whose times are exact; right texts against wrong ones; Whisper's own word times.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/core/progress.h"
#include "otoscope/core/statistics/estimate.h"
#include "otoscope/labels/align.h"

namespace otoscope::labels {

struct CheckAlignmentOptions {
  int clips = 24;  // a language, at most
  uint64_t seed = 0;
};

/// Distance of the begins of labels, ms. Intervals resample clips.
struct BoundaryCheck {
  Estimate median_ms, p90_ms;
  int64_t missing = 0;  // labels of the truth that were not found
  double bias_ms = 0;   // median of found minus true
};

struct AlignmentCheck {
  std::string source;
  double keep_score = 0;
  /// By language, "all" among them.
  std::map<std::string, BoundaryCheck> phones_of_voices, words_of_voices;
  /// Starts of words against model/words.h; empty without an encoder. Its own errors are some tens
  /// of ms and its words begin with the pause before them: a bound, not a truth.
  std::map<std::string, BoundaryCheck> words_of_whisper;
  /// Recordings with their own text and with that of another clip of their language, the nearest in
  /// length: shares that are kept, and how well the score tells them apart.
  Estimate right_kept, wrong_kept;
  double auroc = 0;
  std::vector<double> right_scores, wrong_scores;
};

/// clips: those with text, language and speech count; drawn by seed. encoder: of the aligner, or
/// null. UserError where no clip has a text. Interruptible.
AlignmentCheck check_alignment(const Aligner& aligner, const model::Whisper* encoder,
                               std::span<const store::Clip> clips,
                               const CheckAlignmentOptions& options = {},
                               Progress& progress = silent_progress());

/// {"schema": "otoscope.alignment_check", "version": 1, …}
nlohmann::ordered_json to_json(const AlignmentCheck& check);

}  // namespace otoscope::labels
