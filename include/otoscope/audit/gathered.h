#pragma once
/// What an audit looks at: the clips of a manifest that can fail, heard, and judged.

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "otoscope/audit/judge.h"
#include "otoscope/model/tokenizer.h"
#include "otoscope/model/whisper.h"
#include "otoscope/steer/listen.h"
#include "otoscope/store/manifest.h"

namespace otoscope::audit {

struct GatherOptions {
  int per_source = 2;          // most windows of one source of sound, 0 = all
  double choosing = .5;        // share of clips of speech that the mechanism is chosen on
  int64_t limit = 0;           // most test windows, 0 = all
  int64_t limit_choosing = 0;  // most of train, and of dev
  bool choose = true;          // also hear train and dev
  steer::HearOptions hear;
};

/// Clips that are left out, and why.
struct Excluded {
  std::string why;
  int64_t n = 0;
};

struct Gathered {
  std::vector<steer::SoundWindow> windows;  // train, dev, test
  steer::Listened all;
  std::vector<double> snr_db;  // of each window: its level over its own noise floor
  std::vector<Case> cases;
  std::vector<Judgement> judgements;
  std::vector<Excluded> excluded;

  bool detect = false;  // the model chose the language of all of them
  /// Windows as the decoder is given them: their own language only where they are speech, and the
  /// mode leaves it to them.
  std::vector<steer::SoundWindow> for_decoder(std::span<const int64_t> places) const;

  /// Places in `windows` of a part whose answer is known.
  std::vector<int64_t> told(steer::Part part) const;
  std::vector<int64_t> places(steer::Part part) const;
  uint8_t fails(int64_t place) const {
    return judgements[static_cast<size_t>(place)].answer == Judgement::Answer::fails ? 1 : 0;
  }
};

/// Windows of a manifest for a mode: sounds without speech by source (40/20/40), speech by cluster.
/// Where the mode lets the model choose the language, windows carry `speech` false for the decoder
/// alone; cases keep the truth. UserError where no clip can fail.
struct AuditWindows {
  std::vector<steer::SoundWindow> windows;
  std::vector<uint8_t> speech;
  std::vector<Excluded> excluded;
};
AuditWindows choose_windows(const store::Manifest& manifest, const FailureMode& mode,
                            const model::Tokenizer& tokenizer, const model::Dims& dims,
                            const GatherOptions& options);

Gathered gather(const model::Whisper& model, const model::Tokenizer& tokenizer,
                const store::Manifest& manifest, const FailureMode& mode,
                std::span<const steer::SiteSae> saes, const GatherOptions& options,
                const JudgeOptions& judging, const std::filesystem::path& cache,
                Progress& progress);

}  // namespace otoscope::audit
