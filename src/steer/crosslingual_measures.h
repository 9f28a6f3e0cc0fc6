#pragma once
/// What cross-lingual steering is measured by: clips whose meaning is known in both languages, and
/// what is left of it.

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "otoscope/eval/spliced.h"
#include "otoscope/steer/dose.h"
#include "otoscope/store/manifest.h"

namespace otoscope::steer {

/// Clips of `from`, and what the same prompt says in `toward`.
struct TranslatedClips {
  store::Manifest manifest;                    // of the clips alone
  std::map<std::string, std::string> meaning;  // by prompt id
};
TranslatedClips parallel_clips(const store::Manifest& manifest, const std::string& from,
                               const std::string& toward, int min_words);

/// Overlap with the translation, and with another prompt's: what chance gives. outcomes: of all
/// clips, of which every `every`-th was run. Intervals over clusters.
nlohmann::ordered_json meaning_json(const std::vector<Outcome>& outcomes, int every,
                                    const eval::ClipChoice& choice, const TranslatedClips& pairs,
                                    const DoseOptions& options);

/// Mean probability of the first language asked about, the one steered to.
nlohmann::ordered_json probability_json(const std::vector<Outcome>& outcomes, int every,
                                        const eval::ClipChoice& choice, const DoseOptions& options);

/// A few texts, spread over the clips.
nlohmann::ordered_json examples_json(const Response& response, const eval::ClipChoice& choice,
                                     const TranslatedClips& pairs);

}  // namespace otoscope::steer
