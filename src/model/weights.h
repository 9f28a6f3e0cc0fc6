#pragma once
/// The weights of one model, packed and ready to run. Immutable; shared by all passes.

#include <filesystem>
#include <string>
#include <vector>

#include "model/checkpoint.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::model {

struct NormWeights {
  Tensor<float> gain, bias;  // (d)
};

struct AttentionWeights {
  kernels::Linear query, key, value, out;  // key has no bias
};

struct MlpWeights {
  kernels::Linear up, down;
};

struct BlockWeights {
  NormWeights attn_ln, cross_attn_ln, mlp_ln;
  AttentionWeights attn, cross_attn;  // cross_*: decoder only
  MlpWeights mlp;
};

struct Weights {
  Dims dims;
  Precision precision = Precision::f32;
  std::string hash;
  std::filesystem::path folder;

  kernels::Conv1d conv1, conv2;
  Tensor<float> audio_positions;  // (n_audio_ctx, d)
  std::vector<BlockWeights> encoder;
  NormWeights ln_post;

  Tensor<float> token_embedding;  // (V, d)
  Tensor<float> text_positions;   // (n_text_ctx, d)
  std::vector<BlockWeights> decoder;
  NormWeights ln;
  kernels::Linear unembed;  // the token embedding again, packed
};

/// Takes the checkpoint's tensors one by one, so that both forms are never whole in memory.
Weights pack_weights(Checkpoint checkpoint, Precision precision, Progress& progress);

}  // namespace otoscope::model
