#pragma once
/// What the decoder is forced with where its sites are extracted, and which of its positions are
/// rows.

#include <cstdint>
#include <string>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/model/tokenizer.h"
#include "otoscope/model/whisper.h"
#include "otoscope/store/manifest.h"

namespace otoscope::store {

/// As index.json records it.
inline constexpr const char* kForcedContext =
    "sot, language, transcribe, no_timestamps, reference text, eot";
inline constexpr const char* kOwnContext =
    "sot, language, transcribe, what the model writes: greedy, with timestamps, at most 64 tokens";

/// The sequence of one clip. Its rows are the positions that predict text or eot: from the last
/// token of the prompt to the last of the text; where the text is the model's own, all but eot.
struct Forced {
  std::vector<int64_t> tokens;
  int64_t first = 0;
  int64_t rows() const { return static_cast<int64_t>(tokens.size()) - 1 - first; }
};

/// One for each clip. UserError for clips without a text, of a language that the model does not
/// know, with more tokens than it takes: how many there are, and the first.
std::vector<Forced> forced_of(const std::vector<Clip>& clips, const model::Whisper& model,
                              const model::Tokenizer& tokenizer);

/// The same with what the model writes itself. Clips without a language are heard as English. The
/// sound of all clips is heard once. UserError for a language that the model does not know.
std::vector<Forced> own_text_of(const std::vector<Clip>& clips, const model::Whisper& model,
                                const model::Tokenizer& tokenizer, int batch, Progress& progress);

/// SHA-256 of all of them: what fixes the rows besides the audio.
std::string hash_of(const std::vector<Forced>& forced);

}  // namespace otoscope::store
