#pragma once
/// Always-on edits run on a few windows, their counts remembered.

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "otoscope/steer/hook.h"
#include "steer/suppress/always.h"

namespace otoscope::steer {

/// One edit ready to run.
struct Ready {
  Tried tried;
  std::unique_ptr<SteerHook> hook;
};

Ready make_ready(const model::Whisper& model, std::span<const SiteSae> saes, const AlwaysOn& edit,
                 SteerOptions options = {});

/// Runs all edits on both kinds of windows and fills their counts and doses; what was run before is
/// taken from the cache. Returns the sounds that have text without an edit.
int64_t run_ready(const model::Whisper& model, const model::Tokenizer& tokenizer,
                  std::span<const SoundWindow> sounds, std::span<const SoundWindow> speech,
                  std::span<const SiteSae> saes, std::vector<Ready>& edits,
                  const AlwaysOptions& options, std::string_view task, Progress& progress);

std::vector<Tried> tried_of(const std::vector<Ready>& edits);

}  // namespace otoscope::steer
