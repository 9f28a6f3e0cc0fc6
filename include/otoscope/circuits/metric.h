#pragma once
/// One number of a clip's logits, with its gradient: what a circuit is a circuit of. Logits and
/// margins, never probabilities: a softmax near 1 has no slope left to attribute (methods.md §6.6).

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "otoscope/core/tensor.h"
#include "otoscope/model/tokenizer.h"

namespace otoscope::circuits {

struct Metric {
  std::string name;
  /// logits: (n, V) after each token given. gradient: (n, V), zero on entry, dM/dlogits on return.
  /// Returns M.
  std::function<double(View<const float> logits, View<float> gradient)> of;
};

/// logsumexp(logits of `wanted`) - logsumexp(logits of `against`) after token `position`: for one
/// token each, the logit difference.
Metric logit_margin(std::string name, int64_t position, std::vector<int64_t> wanted,
                    std::vector<int64_t> against);
/// Text against silence after the prompt's last token: all text tokens against <|endoftext|>.
Metric text_margin(const model::SpecialTokens& special, int64_t position);
/// Log odds of <|nospeech|> after <|startoftranscript|> (position 0 unless there is text before).
Metric no_speech_log_odds(const model::SpecialTokens& special, int64_t n_vocab,
                          int64_t position = 0);
/// Sum of log p(tokens[i]) for i in [first, last), teacher-forced. (Saturates where p is near 1.)
Metric span_log_probability(std::vector<int64_t> tokens, int64_t first, int64_t last);

}  // namespace otoscope::circuits
