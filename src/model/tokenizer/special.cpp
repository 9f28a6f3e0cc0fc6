#include <fmt/core.h>

#include "otoscope/core/errors.h"
#include "otoscope/model/tokenizer.h"

namespace otoscope::model {

SpecialTokens special_tokens_of(int64_t n_vocab) {
  constexpr int64_t kTimestamps = 1501, kOthers = 8;  // eot, sot, two tasks, lm, prev, two "no…"
  SpecialTokens s;
  s.multilingual = n_vocab >= 51865;
  const int64_t text = s.multilingual ? 50257 : 50256;
  s.n_languages = static_cast<int>(n_vocab - text - kTimestamps - kOthers);
  if (s.n_languages != 99 && s.n_languages != 100)
    throw UserError(
        "tokenizer",
        fmt::format("expected a vocabulary of 51864, 51865 or 51866 tokens, got {}", n_vocab),
        "put the tokenizer.json of this model into its folder");
  s.eot = text;
  s.sot = text + 1;
  s.first_language = s.sot + 1;
  s.translate = s.first_language + s.n_languages;
  s.transcribe = s.translate + 1;
  s.sot_lm = s.translate + 2;
  s.sot_prev = s.translate + 3;
  s.no_speech = s.translate + 4;
  s.no_timestamps = s.translate + 5;
  s.timestamp_begin = s.translate + 6;
  return s;
}

}  // namespace otoscope::model
