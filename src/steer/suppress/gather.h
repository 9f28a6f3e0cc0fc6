#pragma once
/// All windows of a run in one list, with what was heard: sounds of train, dev and test, then
/// speech.

#include <filesystem>
#include <span>
#include <vector>

#include "otoscope/steer/listen.h"

namespace otoscope::steer {

struct Gathered {
  std::vector<SoundWindow> windows;
  Listened all;                  // `detected`: of the windows named below
  std::vector<size_t> detected;  // windows that were also heard with the language detected

  /// Places of the windows of some parts.
  std::vector<int64_t> places(bool speech, std::initializer_list<Part> parts) const;
  std::vector<SoundWindow> windows_at(std::span<const int64_t> places) const;
  std::vector<Heard> heard_at(std::span<const int64_t> places) const;
};

Gathered gather(const model::Whisper& model, const model::Tokenizer& tokenizer,
                std::vector<SoundWindow> sounds, std::vector<SoundWindow> speech,
                std::span<const SiteSae> saes, const HearOptions& hear,
                const std::filesystem::path& cache, Progress& progress);

}  // namespace otoscope::steer
