#pragma once
/// Words with times for the texts of examples, by cross-attention of the teacher-forced decoder.

#include <map>
#include <span>
#include <string>
#include <vector>

#include "otoscope/core/progress.h"
#include "serve/chosen.h"

namespace otoscope::serve {

struct TimedWord {
  std::string word;
  double start_s = 0, end_s = 0;
};

/// By clip (Example::item): the words of its text. Clips without text, or longer than a window, are
/// left out.
std::map<int64_t, std::vector<TimedWord>> time_words(std::span<const ChosenFeature* const> features,
                                                     const std::string& model_name,
                                                     Progress& progress);

}  // namespace otoscope::serve
