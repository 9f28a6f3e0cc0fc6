#pragma once
/// Which features hold the text up: the gradient of the model's wish to end at once, followed to a
/// site of the encoder (methods.md §5.2, §6.6).

#include <span>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/steer/listen.h"

namespace otoscope::steer {

/// margin = logit of the end of text less the log-sum-exp of the text tokens that may follow
/// [sot, language, transcribe, <|0.00|>]: over zero, the window stays empty.
struct Attribution {
  /// (F): mean over windows of sum_t f_j(t) <dmargin/dx_t, d_j>. Scaling feature j by m moves the
  /// margin by (m - 1) times it, to first order.
  std::vector<double> of_sounds, of_speech;
  /// (d): mean over frames and windows of dmargin/dx on sounds: the direction whose addition to
  /// every frame moves the margin most.
  std::vector<float> direction;
};

struct Margins {
  std::vector<double> sounds, speech;  // one a window
};

/// One backward pass a batch serves all sites. windows: sounds and speech mixed.
std::vector<Attribution> attribute(const model::Whisper& model, const model::Tokenizer& tokenizer,
                                   std::span<const SoundWindow> windows,
                                   std::span<const SiteSae> saes, const std::string& language,
                                   Margins& margins, Progress& progress);

}  // namespace otoscope::steer
