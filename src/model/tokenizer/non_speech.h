#pragma once
/// Tokens that openai-whisper never samples by default: what marks speakers, music or sounds rather
/// than speech.

#include <cstdint>
#include <vector>

#include "otoscope/model/tokenizer.h"

namespace otoscope::model {

std::vector<int64_t> find_non_speech_tokens(const Tokenizer& tokenizer);

}  // namespace otoscope::model
