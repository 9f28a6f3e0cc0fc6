#pragma once
/// What may be sampled next (methods.md §1.7): blanks, suppressed tokens, timestamps in pairs that
/// never go back. Disallowed logits become -inf.

#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/model/decode.h"

namespace otoscope::model {

class LogitRules {
 public:
  LogitRules(const Tokenizer& tokenizer, const DecodeOptions& options);

  /// logits: (V) of one row. sampled: what came after the prompt so far.
  void apply(std::span<float> logits, std::span<const int64_t> sampled) const;

 private:
  void apply_timestamps(std::span<float> logits, std::span<const int64_t> sampled) const;

  std::vector<int64_t> blank_, suppressed_;
  int64_t eot_, no_timestamps_, timestamp_begin_;
  bool timestamps_;
  int64_t last_initial_ = -1;  // highest timestamp that may come first, -1: any
};

/// What a row of filtered logits says.
struct Choice {
  int64_t token = 0;
  double logprob = 0;  // of that token
  float margin = 0;    // first minus second logit
};

/// log sum exp of a row; -inf entries count nothing.
double log_sum_exp(std::span<const float> logits);
/// The largest logit, the lowest id on ties. UserError where there is none, or a NaN.
Choice choose_best(std::span<const float> logits);
/// Sampled from softmax(logits / temperature) with one uniform number u in [0, 1).
Choice choose_at(std::span<const float> logits, double temperature, double u);
/// The k best in falling order.
std::vector<Choice> choose_top(std::span<const float> logits, int k);

}  // namespace otoscope::model
