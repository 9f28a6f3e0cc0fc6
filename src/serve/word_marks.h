#pragma once
/// Words with times for the texts of examples: from labels, else by cross-attention of the
/// teacher-forced decoder.

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/audio/labels.h"
#include "otoscope/core/progress.h"
#include "serve/chosen.h"

namespace otoscope::serve {

struct TimedWord {
  std::string word;
  double start_s = 0, end_s = 0;
};

/// The text as it is spelled, at the times of the clip's word labels; nothing where they are not
/// the words of the text, one by one.
std::optional<std::vector<TimedWord>> labelled_words(const audio::ClipLabels& clip,
                                                     std::string_view text);

/// By clip (Example::item): the words of its text. What the labels do not hold is timed by the
/// model (none: left out); clips without text, or longer than its window, are left out.
std::map<int64_t, std::vector<TimedWord>> time_words(std::span<const ChosenFeature* const> features,
                                                     std::span<const audio::ClipLabels> labels,
                                                     const std::string& model_name,
                                                     Progress& progress);

}  // namespace otoscope::serve
