#pragma once
/// What the decoder is forced with where its sites are extracted, and which of its positions are
/// rows.

#include <cstdint>
#include <string>
#include <vector>

#include "otoscope/model/tokenizer.h"
#include "otoscope/model/whisper.h"
#include "otoscope/store/manifest.h"

namespace otoscope::store {

/// As index.json records it.
inline constexpr const char* kForcedContext =
    "sot, language, transcribe, no_timestamps, reference text, eot";

/// The sequence of one clip. Its rows are the positions that predict text or eot: from the last
/// token of the prompt to the last of the text.
struct Forced {
  std::vector<int64_t> tokens;
  int64_t first = 0;
  int64_t rows() const { return static_cast<int64_t>(tokens.size()) - 1 - first; }
};

/// One for each clip. UserError for clips without a text, of a language that the model does not
/// know, with more tokens than it takes: how many there are, and the first.
std::vector<Forced> forced_of(const std::vector<Clip>& clips, const model::Whisper& model,
                              const model::Tokenizer& tokenizer);

/// SHA-256 of all of them: what fixes the rows besides the audio.
std::string hash_of(const std::vector<Forced>& forced);

}  // namespace otoscope::store
