#pragma once
/// Cross-entropy, KL and agreement per predicted token.

#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/core/tensor.h"

namespace otoscope::eval {

struct TokenScores {
  std::vector<double> ce, kl;  // nats
  std::vector<uint8_t> agree;  // same most likely token
};

/// clean, spliced: (n, V) logits of one teacher-forced clip. Position i predicts token i + 1; the
/// `prompt` first tokens are given, all later ones (text and eot) count. In double.
TokenScores score_tokens(View<const float> clean, View<const float> spliced,
                         std::span<const int64_t> tokens, int64_t prompt);

}  // namespace otoscope::eval
