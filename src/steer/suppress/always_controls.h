#pragma once
/// What random edits of the strongest edit's size do.

#include "steer/suppress/always.h"

namespace otoscope::steer {

/// Fills random_features and random_directions: as many as asked for, at the dose of the strongest.
void run_controls(const model::Whisper& model, const model::Tokenizer& tokenizer,
                  std::span<const SoundWindow> sounds, std::span<const SiteSae> saes,
                  const Listened& pooled, const AlwaysOptions& options, AlwaysSearch& search,
                  Progress& progress);

}  // namespace otoscope::steer
