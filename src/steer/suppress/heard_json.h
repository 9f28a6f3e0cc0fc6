#pragma once
/// What was heard window by window, so that a reader can listen for himself.

#include <nlohmann/json_fwd.hpp>
#include <span>

#include "otoscope/steer/hallucination.h"

namespace otoscope::steer {

/// {"sounds": every window of sound, "speech_changed": the clips of speech whose text changed}: id,
/// where its sound lies and its licence, what the model wrote and what it writes with the recipe.
nlohmann::ordered_json heard_json(std::span<const SoundWindow> sounds,
                                  std::span<const Heard> sounds_before,
                                  std::span<const Heard> sounds_after,
                                  std::span<const SoundWindow> speech,
                                  std::span<const Heard> speech_before,
                                  std::span<const Heard> speech_after);

}  // namespace otoscope::steer
