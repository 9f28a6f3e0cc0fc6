#pragma once
/// When each word was said: cross-attention of the alignment heads, followed by dynamic time
/// warping (openai-whisper's timing; methods.md §1.8). Good to some tens of ms: not for phone
/// labels.

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "otoscope/model/decode.h"

namespace otoscope::model {

struct AlignedWord {
  std::string text;  // with its leading space
  std::vector<int64_t> tokens;
  double start = 0, end = 0;  // seconds in the window
  double probability = 0;     // mean over its tokens, among text tokens
};

struct AlignOptions {
  std::string language = "en", task = "transcribe";
  std::vector<std::pair<int, int>> heads;  // alignment_heads()
  int64_t mel_frames = 3000;               // of the window that carry audio
  int64_t item = 0;                        // what hooks are told
};

/// One teacher-forced pass over `text_tokens` (ids below eot). audio: (n_audio_ctx, d), one
/// window's encoder output. The words in order; empty for no text.
std::vector<AlignedWord> align_words(const Whisper& model, const Tokenizer& tokenizer,
                                     View<const float> audio, std::span<const int64_t> text_tokens,
                                     const AlignOptions& options, Hooks hooks = {});

}  // namespace otoscope::model
