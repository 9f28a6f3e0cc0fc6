#pragma once
/// Edits of features at one site, at every frame that carries audio or every place of the decoder,
/// on a list of windows: one clean encoder, each edit resumed at its site.

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/model/tokenizer.h"
#include "otoscope/model/whisper.h"
#include "otoscope/steer/edited.h"
#include "otoscope/steer/hook.h"
#include "otoscope/steer/listen.h"

namespace otoscope::audit {

struct Arm {
  std::string name;
  size_t sae = 0;
  steer::Operator op;
  double gain = 1;
};

struct ArmRun {
  std::vector<std::vector<steer::Heard>> heard;  // [arm][window]
  std::vector<double> dose;                      // mean ||x' - x|| / mean ||x||
  std::vector<steer::Heard> clean;               // where asked for
};

/// What edits are run with.
struct Laboratory {
  const model::Whisper& model;
  const model::Tokenizer& tokenizer;
  std::span<const steer::SiteSae> saes;
  steer::HearOptions hear;  // language as the mode has it
  std::filesystem::path cache;
  Progress& progress;

  /// Kept in chunks under `cache`, so that an interrupted audit goes on.
  ArmRun run(std::span<const steer::SoundWindow> windows, std::span<const Arm> arms, bool clean,
             const std::string& task) const;
  /// The first `most` of `others` whose gain can be set so that the mean ||x' - x|| over a few
  /// windows equals the target's (decoder: over the places before the text). Those that change
  /// nothing there, or next to nothing, are passed over: they would be controls of another dose.
  std::vector<Arm> equal_doses(std::span<const steer::SoundWindow> windows, const Arm& target,
                               std::span<const Arm> others, size_t most) const;
};

}  // namespace otoscope::audit
