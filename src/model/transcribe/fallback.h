#pragma once
/// Windows of several recordings, encoded and decoded together; what fails is decoded again at the
/// next temperature.

#include <span>
#include <vector>

#include "model/transcribe/long_form.h"

namespace otoscope::model {

/// One window of a batch.
struct Task {
  LongForm* file = nullptr;
  std::vector<int64_t> prompt;
};

/// Encoder output of many windows in one block.
class Encoded {
 public:
  Encoded(const Whisper& model, size_t windows);

  /// Encodes the mel of one window, of which `valid` frames are audio, into place i. One window a
  /// pass: a batch would not be faster, only larger.
  void put(size_t i, const Tensor<float>& mel, int64_t item, int64_t valid, Hooks hooks);

  View<const float> one(size_t i) const { return audio_.view().sub(static_cast<int64_t>(i)); }
  View<const float> all() const { return audio_; }
  Tensor<float> some(std::span<const size_t> rows) const;

 private:
  const Whisper& model_;
  Tensor<float> audio_;
};

/// Decodes at the first temperature, and what fails at the next ones.
std::vector<DecodeResult> decode_with_fallback(const LongFormContext& c, const Encoded& encoded,
                                               const std::vector<Task>& tasks);

}  // namespace otoscope::model
