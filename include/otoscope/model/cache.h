#pragma once
/// Keys and values of past tokens and of the audio, one per decoding batch.

#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/core/tensor.h"

namespace otoscope::model {

class KvCache {
 public:
  /// Rows of the batch: audio windows, or windows x beams after a reorder.
  int64_t rows() const { return rows_; }
  /// Tokens that every row has seen.
  int64_t length() const { return length_; }
  /// Tokens that fit.
  int64_t capacity() const { return capacity_; }
  /// Row i continues what was row source[i] (beam search; finished rows dropped). source.size() is
  /// the new B; {0, 0, 0} makes three beams of row 0. Cross-attention keys and values are shared by
  /// all rows of one audio and are not copied.
  void reorder(std::span<const int32_t> source);
  /// Forget all but the first n tokens.
  void truncate(int64_t n);

 private:
  friend class DecoderPass;
  int64_t rows_ = 0, length_ = 0, capacity_ = 0;
  int steps_ = 0;                               // decode steps so far
  std::vector<Tensor<float>> self_k_, self_v_;  // per layer (B, heads, capacity, d_head)
  std::vector<Tensor<float>> cross_k_,
      cross_v_;                     // per layer (audio rows, heads, n_audio_ctx, d_head)
  std::vector<int32_t> audio_row_;  // which audio row each row reads: beams share one
};

}  // namespace otoscope::model
