#pragma once
/// What the decoder reads before it speaks: [sot_prev, previous text] sot, language, task,
/// [no_timestamps], [prefix].

#include <string>
#include <vector>

#include "model/decode/batch.h"

namespace otoscope::model {

struct Prompt {
  std::vector<int64_t> tokens;
  size_t sot = 0;        // where <|startoftranscript|> is
  std::string language;  // empty until it is detected
};

Prompt make_prompt(const Tokenizer& tokenizer, const Dims& dims, const DecodeOptions& options,
                   const std::string& language, const std::vector<int64_t>& previous);

/// Feeds equally long prompts, one a row; detects languages that are open. Returns the logits after
/// the prompt (B, V), and each row's probability of no speech.
Tensor<float> feed_prompts(Batch& batch, const Tokenizer& tokenizer, std::vector<Prompt>& prompts,
                           std::vector<double>& no_speech);

/// From the logits (V) after a lone sot.
LanguageGuess guess_language(const Tokenizer& tokenizer, std::span<const float> logits);

}  // namespace otoscope::model
