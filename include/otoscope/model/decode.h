#pragma once
/// From encoder output to text, one window a row: greedy, sampling and beam search, with
/// openai-whisper's rules (methods.md §1.7; Radford et al. 2022, §4.5). Batched over clips: rows
/// that have ended leave the batch through KvCache::reorder.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "otoscope/model/hook.h"
#include "otoscope/model/tokenizer.h"
#include "otoscope/model/whisper.h"

namespace otoscope::model {

/// The tokenizer beside a model's weights.
inline Tokenizer load_tokenizer(const Whisper& model, Progress& progress = silent_progress()) {
  return Tokenizer::load(model.folder(), model.dims().n_vocab, progress);
}

struct DecodeOptions {
  /// One code per row, one for all, or none: detect it (English-only models: ignored).
  std::vector<std::string> languages;
  std::string task = "transcribe";
  double temperature = 0;
  /// Most tokens to sample; 0 = half the text context (224).
  int sample_len = 0;
  /// Beams at temperature 0; 0 = greedy.
  int beam_size = 0;
  double patience = 1.0;
  /// Samples at temperature > 0, of which the likeliest is kept.
  int best_of = 1;
  /// Alpha of ((5 + n)/6)^alpha; without it, the mean over tokens ranks.
  std::optional<double> length_penalty;
  /// Previous text, as tokens, one list per row, one for all, or none. The last 223 are used.
  std::vector<std::vector<int64_t>> prompts;
  /// Text that the answer starts with, for all rows.
  std::vector<int64_t> prefix;
  /// -1 stands for the tokenizer's non-speech symbols; empty: nothing is suppressed, not even
  /// special tokens.
  std::vector<int64_t> suppress_tokens{-1};
  bool suppress_blank = true;
  bool without_timestamps = false;
  /// Seconds; < 0: no limit.
  double max_initial_timestamp = 1.0;
  uint64_t seed = 0;  // sampling only; each row has its own stream, by its item
  /// Keep top-1 minus top-2 of the filtered logits at each step (greedy only).
  bool margins = false;
  /// Windows decoded at once; 0 = as many as fit 768 MB of cached keys and values.
  int batch = 0;
};

struct DecodeResult {
  std::vector<int64_t> tokens;  // without prompt and eot
  std::string text;             // stripped, without timestamps
  std::string language;
  double avg_logprob = 0;  // sum over tokens and eot, divided by tokens + 1
  double no_speech_prob = 0;
  double compression_ratio = 0;  // bytes of text / bytes of its zlib stream
  double temperature = 0;
  std::vector<float> margins;
};

/// audio: (B, n_audio_ctx, d), the encoder's output. items: B names that hooks see as Rows.item
/// (empty: 0..B-1). Hooks run in every pass, with the decode step (0 = the prompt) and, in beam
/// search and best_of, the beam; their reorder() is called whenever rows move.
std::vector<DecodeResult> decode(const Whisper& model, const Tokenizer& tokenizer,
                                 View<const float> audio, const DecodeOptions& options = {},
                                 std::span<const int64_t> items = {}, Hooks hooks = {});

struct LanguageGuess {
  std::string language;
  double probability = 0;
  std::vector<double> probabilities;  // by language, in the order of languages()
};
/// One step on [sot], softmax over the language tokens. UserError for an English-only model.
std::vector<LanguageGuess> detect_language(const Whisper& model, const Tokenizer& tokenizer,
                                           View<const float> audio,
                                           std::span<const int64_t> items = {}, Hooks hooks = {});

/// Token sequences of different lengths as one (B, n) array padded with eot at the end, with their
/// lengths for Rows.valid.
struct TokenBatch {
  Tensor<int64_t> tokens;
  std::vector<int32_t> valid;
};
TokenBatch pad_tokens(std::span<const std::vector<int64_t>> sequences, int64_t padding);

double compression_ratio(std::string_view text);

}  // namespace otoscope::model
