#pragma once
/// From a recording to what a trace starts from: the window, and the tokens that the model writes
/// for it.

#include <filesystem>
#include <string>
#include <vector>

#include "otoscope/circuits/graph.h"
#include "otoscope/core/tensor.h"
#include "otoscope/model/tokenizer.h"
#include "otoscope/model/whisper.h"

namespace otoscope::circuits {

struct Heard {
  Tensor<float> mel;            // (1, mel frames, mels)
  int64_t frames = 0;           // that carry audio
  std::vector<int64_t> tokens;  // prompt, then what was written greedily, then <|endoftext|>
  int64_t prompt = 0;           // how many of them are prompt
  std::string language;
};

/// At most one window from `offset_s` on, decoded greedily without timestamps. language: a code, or
/// empty to detect it. UserError for a recording that cannot be read or is empty there.
Heard listen(const model::Whisper& model, const model::Tokenizer& tokenizer,
             const std::filesystem::path& audio, double offset_s, double duration_s,
             const std::string& language);

/// Names the graph's tokens, token leaves and input.
void name_tokens(Graph& graph, std::span<const int64_t> tokens, const model::Tokenizer& tokenizer);
/// Labels of features from features.sqlite beside a layer's transcoder, where there is one.
class Transcoders;
int64_t name_features(Graph& graph, const Transcoders& transcoders);

}  // namespace otoscope::circuits
