#pragma once
/// Whisper's tokenizer: byte-level BPE (Radford et al. 2019) and the special tokens behind it.
/// Formats: formats.md §1.3, §1.4. Reads tokenizer.json (both spellings of merges), vocab.json with
/// merges.txt, or a bare vocabulary.txt / vocabulary.json, whose order stands for the merges.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/model/config.h"

namespace otoscope::model {

struct Vocabulary;  // src/model/tokenizer/vocabulary.h

/// Ids of the tokens that are no text. Text ids are those below eot.
struct SpecialTokens {
  int64_t eot = 0, sot = 0;
  int64_t first_language = 0;
  int n_languages = 0;
  int64_t translate = 0, transcribe = 0, sot_lm = 0, sot_prev = 0, no_speech = 0, no_timestamps = 0;
  int64_t timestamp_begin = 0;  // <|0.00|>; one token every 20 ms
  /// English-only models have language tokens but never use them.
  bool multilingual = true;
};

/// The ids of a model of which only the size of the vocabulary is known (methods.md §1.6).
/// UserError for a size that no Whisper has.
SpecialTokens special_tokens_of(int64_t n_vocab);

class Tokenizer {
 public:
  /// From the folder of a model with `n_vocab` embeddings. Notes what it had to mend. UserError
  /// names the file.
  static Tokenizer load(const std::filesystem::path& folder, int64_t n_vocab,
                        Progress& progress = silent_progress());
  /// From the text of a tokenizer.json. `where` names it in errors.
  static Tokenizer from_json(std::string_view json, std::string_view where, int64_t n_vocab,
                             Progress& progress = silent_progress());
  /// From the lines of a vocabulary.txt.
  static Tokenizer from_vocabulary(std::string_view lines, std::string_view where, int64_t n_vocab);

  const SpecialTokens& special() const { return special_; }
  int64_t n_vocab() const { return n_vocab_; }

  /// Plain text to ids; special tokens in the text are text.
  std::vector<int64_t> encode(std::string_view text) const;
  /// Ids to text, without timestamps; other specials are spelled out, as in openai-whisper.
  std::string decode(std::span<const int64_t> ids) const;
  /// The same with timestamps as <|1.08|>.
  std::string decode_with_timestamps(std::span<const int64_t> ids) const;
  /// The bytes of one token (a text token may hold part of a character).
  const std::string& bytes(int64_t id) const;
  /// Readable form of one token for tables: its text, or its bytes as <0xE2>.
  std::string piece(int64_t id) const;

  /// "en" -> its token. UserError for a language that this model lacks.
  int64_t language_token(std::string_view code) const;
  /// Whether clips of this language can be decoded: it has a token; for English-only models, "en".
  bool knows(std::string_view code) const;
  std::string language_of(int64_t token) const;

  /// [sot, language, task] (English-only: [sot]), then no_timestamps if asked for. task:
  /// "transcribe" or "translate".
  std::vector<int64_t> sot_sequence(std::string_view language, std::string_view task = "transcribe",
                                    bool no_timestamps = false) const;

  /// Symbols that openai-whisper never samples by default: speaker tags, music, brackets.
  const std::vector<int64_t>& non_speech_tokens() const { return non_speech_; }
  /// Tokens of " ", which may not come first.
  const std::vector<int64_t>& blank_tokens() const { return blank_; }

  struct Word {
    std::string text;
    std::vector<int64_t> tokens;
  };
  /// Groups tokens to words for word times: at spaces and punctuation, or at characters in
  /// languages that are written without spaces.
  std::vector<Word> split_to_words(std::span<const int64_t> ids, std::string_view language) const;

 private:
  Tokenizer(Vocabulary vocabulary, Progress& progress);

  struct Bpe;
  std::shared_ptr<const Bpe> bpe_;
  SpecialTokens special_;
  int64_t n_vocab_ = 0;
  std::vector<std::string> bytes_;  // by id
  std::vector<int64_t> non_speech_, blank_;
};

/// Teacher forcing: sot sequence + no_timestamps + tokens of " text" + eot. Empty text: nothing
/// between.
std::vector<int64_t> forced_tokens(const Tokenizer& tokenizer, std::string_view language,
                                   std::string_view text, std::string_view task = "transcribe");

/// Decoder heads whose cross-attention follows time, as (layer, head): from generation_config.json
/// or CTranslate2's config.json, else the published table by size, else all heads of the upper half
/// of the layers.
std::vector<std::pair<int, int>> alignment_heads(const std::filesystem::path& folder,
                                                 const Dims& dims);

}  // namespace otoscope::model
