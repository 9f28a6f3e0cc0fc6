#pragma once
/// Which tokens a direction of the decoder's residual stream writes by itself: its direct effect on
/// the logits, past all later blocks, through the last norm with mean and denominator frozen
/// (methods.md §6.2; the logit lens of a direction).

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "otoscope/model/tokenizer.h"
#include "otoscope/model/whisper.h"

namespace otoscope::circuits {

struct Written {
  int64_t token = 0;
  double logit = 0;  // above the mean of these tokens, before the norm's denominator
};

/// The `top` of the first `tokens` ids (text, then the end of the text: eot + 1) that `direction`
/// (d) raises most; largest first.
std::vector<Written> written_by(const model::Whisper& model, std::span<const float> direction,
                                int64_t tokens, int top);

/// `writes " you", " Thank", the end`: what a feature with this decoder row is called.
std::string written_name(const model::Tokenizer& tokenizer, std::span<const Written> written);

}  // namespace otoscope::circuits
