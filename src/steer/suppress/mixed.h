#pragma once
/// Speech with a sound under it: where telling speech from sound is not easy.

#include <filesystem>
#include <span>
#include <vector>

#include "otoscope/steer/hallucination.h"

namespace otoscope::steer {

/// n clips of speech, each with a sound of the list under it (repeated or cut to the clip's
/// length), by turns at 10, 0 and -10 dB: power of the speech over power of the sound, over the
/// whole clip. Written under FOLDER as 16-bit WAV with a manifest.jsonl whose ids are
/// "mixed/SNRdB/ID"; `kind` is the ratio ("0 dB"). Files that are there are kept.
std::vector<SoundWindow> mix(std::span<const SoundWindow> speech,
                             std::span<const SoundWindow> sounds, int n,
                             const std::filesystem::path& folder);

}  // namespace otoscope::steer
