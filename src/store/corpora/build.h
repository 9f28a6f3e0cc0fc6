#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

#include "otoscope/core/progress.h"
#include "store/corpora/clip_line.h"

namespace otoscope::store {

/// Makes the audio of a corpus out of its unpacked packages and describes it. `packages`:
/// FOLDER/NAME for each package; `folder`: the corpus, where the manifest will lie.
std::vector<ClipLine> build_prompts(const std::filesystem::path& packages,
                                    const std::filesystem::path& folder, Progress& progress);
std::vector<ClipLine> build_nonspeech(const std::filesystem::path& packages,
                                      const std::filesystem::path& folder, Progress& progress);

}  // namespace otoscope::store
