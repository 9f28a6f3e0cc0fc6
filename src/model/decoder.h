#pragma once
/// The decoder's pass (methods.md §1.4): teacher-forced, or step by step over a cache.

#include "model/layers.h"
#include "otoscope/model/cache.h"

namespace otoscope::model {

class DecoderPass {
 public:
  DecoderPass(const Weights& w, const Probe& probe) : w_(w), probe_(probe) {}

  /// audio: (B, n_audio_ctx, d), tokens: (B, n) -> logits (B, n, V)
  Tensor<float> forced(View<const float> audio, View<const int64_t> tokens);

  /// Room for max_tokens, and the cross-attention's keys and values with their sites.
  static KvCache make_cache(const Weights& w, const Probe& probe, View<const float> audio,
                            int64_t max_tokens);
  static int steps(const KvCache& cache) { return cache.steps_; }
  /// New tokens (B, n) -> logits of the last position (B, V), or of all (B, n, V).
  Tensor<float> step(KvCache& cache, View<const int64_t> tokens, bool all_positions);

 private:
  void embed(View<const int64_t> tokens, int64_t position);
  void self_attention(int l, KvCache* cache);
  void cross_attention(int l, View<const float> audio, const KvCache* cache);
  void mlp_part(int l);
  /// (B, heads, T, d_head)
  Shape split_shape() const;
  Tensor<float> logits(bool all_positions);

  const Weights& w_;
  const Probe& probe_;
  Tensor<float> x_, normed_, out_, scale_;
  Workspace work_;
};

}  // namespace otoscope::model
