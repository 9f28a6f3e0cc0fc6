#pragma once
/// Everything that writes into the frozen map: features, errors, leaves, padding, as nodes.

#include <functional>
#include <vector>

#include "otoscope/circuits/trace.h"

namespace otoscope::circuits {

/// One block's MLP at the recorded input.
struct SourceLayer {
  const Transcoders::Layer* transcoder = nullptr;
  SparseRows codes;                 // (T) rows
  std::vector<int32_t> node;        // by entry of codes
  std::vector<int32_t> error_node;  // by position
  Tensor<float> error;  // (T, d): mlp_out minus all features that write it, b_dec and skip
};

struct Sources {
  std::vector<Node> nodes;  // features, errors, frames, tokens, padding; logits are added behind
  std::vector<SourceLayer> layers;
  std::vector<int32_t> frame_node, token_node;  // by position
  int32_t padding_node = -1;
  int64_t features = 0;  // the first so many nodes
  int64_t first_token = 0;
  /// Entries of codes that belong to a feature's node: (position, value).
  struct Member {
    int64_t position;
    float value;
  };
  std::vector<std::vector<Member>> members;
};

Sources list_sources(const model::FrozenModel& frozen, const Transcoders& transcoders, int pool,
                     int gap, int64_t first_token);
/// Empties the rows before `first`.
void drop_rows_before(int64_t first, SparseRows& codes);

/// Adds what the codes of layer `from`, gated if there is a gate, write into layer `into`.
/// out: (T, d)
void add_features_of(const Transcoders& transcoders, int from, int into, const SparseRows& codes,
                     const std::function<float(int, int64_t, int32_t, float)>& gate,
                     View<float> out);

/// <e, b_dec> taken from b_enc where the SAE centres its input.
double read_bias(const sae::Sae& sae, int32_t feature);

}  // namespace otoscope::circuits
