#pragma once
/// One stretch of sound to see and hear.

#include <string>
#include <string_view>
#include <vector>

#include "otoscope/core/progress.h"
#include "serve/bound_number.h"
#include "serve/chosen.h"
#include "serve/html.h"
#include "serve/word_marks.h"

namespace otoscope::serve {

/// Spectrogram with the activation over it, player, text with the words under the peak marked.
/// `pointer`: of the example in `facts`. words: nullptr without word times.
void write_example(Html& html, const Example& example, const std::vector<TimedWord>* words,
                   const Document& facts, const std::string& pointer);

/// A clip without a feature: `caption` writes what stands below.
struct Sound {
  std::string path;
  double offset_s = 0, duration_s = 0;  // at most kLongestSound of it is shown
};
inline constexpr double kLongestSound = 8;
/// Nothing but a note where the sound cannot be read.
void write_sound(Html& html, const Sound& sound, Progress& progress);

/// Sounds that a page holds.
int64_t players_in(std::string_view page);

}  // namespace otoscope::serve
