#pragma once
/// What a language model is asked. A change of wording is another question: kPromptVersion.

#include <string>
#include <utility>

#include "features/naming/moments.h"

namespace otoscope::features {

inline constexpr int kPromptVersion = 1;

/// System and user text.
using Prompt = std::pair<std::string, std::string>;
Prompt naming_prompt(const Shown& shown, const MomentText& text);
Prompt detection_prompt(const std::string& name, const Question& question, const MomentText& text);

}  // namespace otoscope::features
