#pragma once
/// What the model writes where nobody speaks, as JSON.

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <vector>

#include "otoscope/steer/hallucination.h"

namespace otoscope::steer {

/// Share of windows with text: "raw", and "filtered", after Whisper's own filter.
nlohmann::ordered_json rates_json(std::span<const SoundWindow> windows,
                                  std::span<const Heard> heard, uint64_t seed, int replicates);

/// Rates, by kind of sound, the most frequent texts, languages written. All parts together: nothing
/// is chosen here.
nlohmann::ordered_json measurement_json(std::span<const SoundWindow> windows,
                                        std::span<const Heard> heard, uint64_t seed,
                                        int replicates);

nlohmann::ordered_json share_json(const Share& share);
nlohmann::ordered_json guard_json(const Guard& guard, double limit);

}  // namespace otoscope::steer
