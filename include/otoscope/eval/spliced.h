#pragma once
/// What is left of the model when a site holds xhat (methods.md §3.2): cross-entropy and KL of the
/// teacher-forced decoder, then real decoding. All systems share one clean forward: each resumes at
/// its own site.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/core/statistics/estimate.h"
#include "otoscope/eval/clips.h"
#include "otoscope/eval/reconstructor.h"
#include "otoscope/model/site.h"

namespace otoscope::eval {

/// Something to put at a site. `zero` and `mean` are what recovery is measured against.
struct System {
  enum class Role { tested, zero, mean };
  std::string name;
  model::Site site;
  const Reconstructor* reconstructor = nullptr;
  Role role = Role::tested;
  bool decode = true;                      // also run free decoding
  std::optional<model::Site> source = {};  // where it reads, if not at the site (transcoders)
};

struct SplicedOptions {
  int max_tokens = 64;  // of free decoding, per clip
  int batch = 16;       // clips at once
  audio::Padding padding = audio::Padding::waveform_zero;
  uint64_t seed = 0;
  int replicates = 2000;
};

/// Of one clip under one system.
struct ClipScore {
  // Over text tokens and eot, teacher-forced; nats.
  int64_t tokens = 0;
  double ce = 0, kl = 0;  // sums; KL of clean from spliced
  int64_t agree = 0;      // same most likely token as the clean model
  // Free decoding, greedy.
  int64_t words = 0, word_errors = 0, characters = 0, character_errors = 0;
  int64_t length = 0;  // tokens sampled
  bool empty = false, looping = false;
  std::string text;
};

struct SystemScores {
  System system;
  std::vector<ClipScore> clips;
  std::vector<float> token_kl;
};

struct SplicedRun {
  std::vector<ClipScore> clean;
  std::vector<SystemScores> systems;
};

SplicedRun run_spliced(const model::Whisper& model, const model::Tokenizer& tokenizer,
                       const ClipChoice& choice, std::span<const System> systems,
                       const SplicedOptions& options, Progress& progress = silent_progress());

/// One row of the table.
struct SplicedMeasures {
  Estimate ce, ce_difference, kl, agreement;
  double kl_p95 = 0;
  /// (CE_abl - CE)/(CE_abl - CE_clean) and 1 - KL/KL_abl, against zero and mean ablation of the
  /// same site.
  std::optional<Estimate> ce_recovered_zero, ce_recovered_mean, kl_recovered_zero,
      kl_recovered_mean;

  bool decoded = false;
  Estimate wer, cer, wer_difference, cer_difference;  // fractions; differences to the clean model
  Estimate empty, looping, tokens;
  /// Past one error per word the rate counts only how long the model rambles.
  bool no_speech_left() const { return decoded && wer.value > 1; }
};

SplicedMeasures clean_measures(const SplicedRun& run, const ClipChoice& choice,
                               const SplicedOptions& options);
SplicedMeasures measures_of(const SplicedRun& run, size_t system, const ClipChoice& choice,
                            const SplicedOptions& options);

}  // namespace otoscope::eval
