#pragma once
/// Rows that are decoded together: their cache, and what hooks are told about them.

#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/model/cache.h"
#include "otoscope/model/decode.h"

namespace otoscope::model {

class Batch {
 public:
  /// One row per window of audio (B, n_audio_ctx, d).
  Batch(const Whisper& model, View<const float> audio, int64_t max_tokens,
        std::span<const int64_t> items, Hooks hooks);

  int64_t rows() const { return cache_.rows(); }
  /// tokens: (rows, n) -> logits of the last position (rows, V).
  Tensor<float> feed(View<const int64_t> tokens, int step);
  /// Row i continues source[i], as beam beams[i] (empty: no beams).
  void reorder(std::span<const int32_t> source, std::vector<int32_t> beams);
  void forget() { cache_.truncate(0); }

 private:
  const Whisper& model_;
  Hooks hooks_;
  std::vector<int64_t> items_;
  std::vector<int32_t> beams_;
  KvCache cache_;
};

}  // namespace otoscope::model
