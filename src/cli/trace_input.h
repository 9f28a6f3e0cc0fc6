#pragma once
/// What `trace` is given on the command line, as the library wants it.

#include <string>
#include <vector>

#include "otoscope/circuits/listen.h"
#include "otoscope/circuits/trace.h"

namespace otoscope::cli {

/// Which tokens of the transcript are explained.
struct TraceChoice {
  int token = 0;
  std::vector<int> span;
  std::vector<std::string> contrast;
};

/// SAEs of the folders, and of folders in them. UserError where there is none.
circuits::Transcoders load_transcoders(const std::vector<std::string>& folders,
                                       const model::Dims& dims);

/// Places [first, end) in heard.tokens of the tokens that are explained. UserError [--token],
/// [--span].
std::pair<int64_t, int64_t> chosen_tokens(const circuits::Heard& heard, const TraceChoice& choice);

/// Directions of the logits after the last token given, or after each of a span.
std::vector<circuits::LogitTarget> chosen_targets(View<const float> logits,
                                                  const model::Tokenizer& tokenizer,
                                                  const circuits::Heard& heard,
                                                  const TraceChoice& choice,
                                                  const circuits::TraceOptions& options);

}  // namespace otoscope::cli
