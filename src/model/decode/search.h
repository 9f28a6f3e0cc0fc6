#pragma once
/// The searches: from the first logits of a batch to candidate answers of each window.

#include <cstdint>
#include <span>
#include <vector>

#include "model/decode/batch.h"
#include "model/decode/logit_rules.h"

namespace otoscope::model {

struct Candidate {
  std::vector<int64_t> tokens;  // without eot
  double sum_logprob = 0;       // eot's included where it was sampled
  std::vector<float> margins;
};

/// What a search needs to know about its batch. `first` are the logits (B, V) after the prompt.
struct Search {
  const DecodeOptions& options;
  const LogitRules& rules;
  int64_t eot = 0;
  int limit = 0;                   // most tokens to sample
  std::span<const int64_t> items;  // names of the windows
};

/// Greedy at temperature 0, else options.best_of samples a window. Rows that have ended leave the
/// batch.
std::vector<std::vector<Candidate>> sample(Batch& batch, Tensor<float> first, const Search& search);
/// Beam search (patience: Kasai et al. 2022).
std::vector<std::vector<Candidate>> beam_search(Batch& batch, Tensor<float> first,
                                                const Search& search);

/// Which of a window's candidates is kept: the likeliest per token, or with a length penalty.
const Candidate& best_of(const std::vector<Candidate>& candidates,
                         std::optional<double> length_penalty);

}  // namespace otoscope::model
