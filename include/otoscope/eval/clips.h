#pragma once
/// The clips that spliced measures decode: a fixed choice of test clips with known text.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "otoscope/audio/mel.h"
#include "otoscope/core/tensor.h"
#include "otoscope/model/tokenizer.h"
#include "otoscope/model/whisper.h"
#include "otoscope/store/manifest.h"
#include "otoscope/store/store.h"

namespace otoscope::eval {

struct SplicedClip {
  store::Clip clip;
  int32_t cluster = 0;
  std::vector<int64_t> tokens;  // [sot, language, transcribe, no_timestamps] text eot
  int64_t prompt = 0;           // how many of them are prompt
  std::string reference;        // normalised
};

struct ClipChoice {
  std::vector<SplicedClip> clips;
  int64_t clusters = 0;
  bool by_speaker = false;
  int64_t candidates = 0;  // that qualified
};

/// Of the manifest's clips in `split` with speech, text that is not empty after normalisation, a
/// language that the model knows, one window or less and tokens that fit the decoder: the first
/// `count` by hash of their id (0 = all), ordered by length of text. UserError if there are none.
ClipChoice choose_clips(const store::Manifest& manifest, store::Split split, int64_t count,
                        const model::Whisper& model, const model::Tokenizer& tokenizer);

/// Log-mel windows of clips [first, first + n) -> (n, mel frames, mels), and their valid frames.
struct ClipBatch {
  Tensor<float> mel;
  std::vector<int32_t> valid;
  std::vector<int64_t> item;
};
ClipBatch load_clips(std::span<const SplicedClip> clips, int64_t first, int64_t n,
                     const model::Dims& dims, audio::Padding padding);

}  // namespace otoscope::eval
