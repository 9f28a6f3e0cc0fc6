#pragma once
/// Keys and values of past tokens and of the audio, one per decoding batch.

#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/core/tensor.h"

namespace otoscope::model {

class KvCache {
 public:
  int64_t rows() const { return rows_; }
  int64_t length() const { return length_; }
  /// Row i continues what was row source[i] (beam search; finished rows dropped). source.size() is
  /// the new B. Cross-attention keys and values follow.
  void reorder(std::span<const int32_t> source);
  /// Forget all but the first n tokens.
  void truncate(int64_t n);

 private:
  friend class DecoderPass;
  friend class Whisper;
  int64_t rows_ = 0, length_ = 0, capacity_ = 0;
  std::vector<Tensor<float>> self_k_, self_v_;  // per layer (B, heads, capacity, d_head)
  std::vector<Tensor<float>> cross_k_,
      cross_v_;                     // per layer (audio rows, heads, n_audio_ctx, d_head)
  std::vector<int32_t> audio_row_;  // which audio row each row reads: beams share one
};

}  // namespace otoscope::model
