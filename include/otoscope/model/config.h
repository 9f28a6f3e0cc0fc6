#pragma once
/// Sizes of a Whisper checkpoint, read from its tensors and checked against its config.

#include <string>
#include <string_view>
#include <vector>

#include "otoscope/core/shape.h"

namespace otoscope::model {

/// Names as in openai-whisper's ModelDimensions. d_head is d / heads.
struct Dims {
  int n_mels = 80;
  int n_audio_ctx = 1500;
  int n_audio_state = 512;
  int n_audio_head = 8;
  int n_audio_layer = 6;
  int n_vocab = 51865;
  int n_text_ctx = 448;
  int n_text_state = 512;
  int n_text_head = 8;
  int n_text_layer = 6;

  /// Mel frames per window: conv2 halves them.
  int n_mel_frames() const { return 2 * n_audio_ctx; }
  bool operator==(const Dims&) const = default;
};

}  // namespace otoscope::model
