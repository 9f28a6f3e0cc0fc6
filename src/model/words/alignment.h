#pragma once
/// The pieces of word alignment that know nothing of the model.

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "otoscope/core/tensor.h"
#include "otoscope/model/words.h"

namespace otoscope::model {

/// Median over `width` (odd) neighbours along the last index, ends reflected; rows of at most
/// width/2 values stay as they are. In place.
void median_filter(View<float> x, int width);

/// The cheapest monotone path through cost (N, M) from corner to corner: rows and columns visited.
/// Ties go along a row, as in openai-whisper; sums are kept in fp32 as there.
std::vector<std::pair<int, int>> warp(View<const float> cost);

/// Softmax over time, normalised over tokens per head and time, median of 7, mean over heads.
/// scores: (heads, tokens, frames) -> (tokens, frames). Scores are overwritten.
Tensor<float> attention_map(View<float> scores);

/// Marks that belong to their neighbour go there: its text and tokens grow, theirs become empty.
void merge_punctuation(std::vector<AlignedWord>& words, std::string_view prepended,
                       std::string_view appended);

/// Words at the ends of sentences are held to twice the median duration. Returns that median, at
/// most 0.7 s.
double limit_sentence_ends(std::vector<AlignedWord>& words);

}  // namespace otoscope::model
