#include "model/decode/prompt.h"

#include <algorithm>
#include <cmath>

#include "model/decode/logit_rules.h"
#include "otoscope/core/errors.h"
#include "otoscope/model/languages.h"

namespace otoscope::model {
namespace {

Tensor<int64_t> columns(const std::vector<Prompt>& prompts, size_t begin, size_t end) {
  const auto n = static_cast<int64_t>(end - begin);
  Tensor<int64_t> tokens(Shape{static_cast<int64_t>(prompts.size()), n});
  for (size_t row = 0; row < prompts.size(); ++row)
    std::copy_n(prompts[row].tokens.begin() + static_cast<ptrdiff_t>(begin), n,
                tokens.view().row(static_cast<int64_t>(row)));
  return tokens;
}

void detect_open_languages(Batch& batch, const Tokenizer& tokenizer, std::vector<Prompt>& prompts) {
  const SpecialTokens& special = tokenizer.special();
  const auto open = [&](const Prompt& prompt) { return prompt.language.empty(); };
  if (std::none_of(prompts.begin(), prompts.end(), open)) return;
  // On sot alone, whatever the prompt: as openai-whisper does it.
  Tensor<int64_t> tokens(Shape{static_cast<int64_t>(prompts.size()), 1});
  std::fill_n(tokens.data(), tokens.size(), special.sot);
  const Tensor<float> logits = batch.feed(tokens, 0);
  for (size_t row = 0; row < prompts.size(); ++row) {
    if (!open(prompts[row])) continue;
    Prompt& prompt = prompts[row];
    prompt.language =
        guess_language(tokenizer, logits.view().sub(static_cast<int64_t>(row)).span()).language;
    prompt.tokens[prompt.sot + 1] = tokenizer.language_token(prompt.language);
  }
  batch.forget();
}

}  // namespace

LanguageGuess guess_language(const Tokenizer& tokenizer, std::span<const float> logits) {
  const SpecialTokens& special = tokenizer.special();
  const auto some = logits.subspan(static_cast<size_t>(special.first_language),
                                   static_cast<size_t>(special.n_languages));
  const double total = log_sum_exp(some);
  LanguageGuess guess;
  for (size_t i = 0; i < some.size(); ++i) {
    guess.probabilities.push_back(std::exp(static_cast<double>(some[i]) - total));
    if (guess.probabilities[i] > guess.probability) {
      guess.probability = guess.probabilities[i];
      guess.language = languages()[i].code;
    }
  }
  if (guess.language.empty())
    throw UserError("decode", "expected finite logits of the languages, got none",
                    "look at what edits the model");
  return guess;
}

Prompt make_prompt(const Tokenizer& tokenizer, const Dims& dims, const DecodeOptions& options,
                   const std::string& language, const std::vector<int64_t>& previous) {
  const SpecialTokens& special = tokenizer.special();
  Prompt prompt;
  const size_t half = static_cast<size_t>(dims.n_text_ctx) / 2;
  if (!previous.empty()) {
    prompt.tokens.push_back(special.sot_prev);
    const size_t kept = std::min(previous.size(), half - 1);
    prompt.tokens.insert(prompt.tokens.end(), previous.end() - static_cast<ptrdiff_t>(kept),
                         previous.end());
  }
  prompt.sot = prompt.tokens.size();
  prompt.language = !special.multilingual ? "en" : language.empty() ? "" : language_code(language);
  const auto start = tokenizer.sot_sequence(prompt.language.empty() ? "en" : prompt.language,
                                            options.task, options.without_timestamps);
  prompt.tokens.insert(prompt.tokens.end(), start.begin(), start.end());
  // As much of the prefix as leaves room for the sample; with the default cap, all of it.
  size_t kept = options.prefix.size();
  if (options.sample_len > 0 && static_cast<size_t>(options.sample_len) < half)
    kept = std::min(kept, half - static_cast<size_t>(options.sample_len));
  prompt.tokens.insert(prompt.tokens.end(), options.prefix.end() - static_cast<ptrdiff_t>(kept),
                       options.prefix.end());
  for (const int64_t token : prompt.tokens)
    if (token < 0 || token >= tokenizer.n_vocab())
      throw UserError("prompt", "expected tokens of this model, got " + std::to_string(token));
  if (prompt.tokens.size() > static_cast<size_t>(dims.n_text_ctx))
    throw UserError("prefix",
                    "expected a prompt of at most " + std::to_string(dims.n_text_ctx) +
                        " tokens, got " + std::to_string(prompt.tokens.size()),
                    "shorten the prefix");
  return prompt;
}

Tensor<float> feed_prompts(Batch& batch, const Tokenizer& tokenizer, std::vector<Prompt>& prompts,
                           std::vector<double>& no_speech) {
  detect_open_languages(batch, tokenizer, prompts);
  // In two parts, so that only the logits of the two positions that matter are computed.
  const size_t after_sot = prompts[0].sot + 1;
  Tensor<float> logits = batch.feed(columns(prompts, 0, after_sot), 0);
  for (int64_t row = 0; row < logits.shape()[0]; ++row) {
    const auto values = logits.view().sub(row).span();
    no_speech.push_back(
        std::exp(static_cast<double>(values[static_cast<size_t>(tokenizer.special().no_speech)]) -
                 log_sum_exp(values)));
  }
  if (after_sot < prompts[0].tokens.size())
    logits = batch.feed(columns(prompts, after_sot, prompts[0].tokens.size()), 0);
  return logits;
}

std::vector<LanguageGuess> detect_language(const Whisper& model, const Tokenizer& tokenizer,
                                           View<const float> audio, std::span<const int64_t> items,
                                           Hooks hooks) {
  if (!tokenizer.special().multilingual)
    throw UserError(model.folder().string(), "expected a multilingual model to detect languages",
                    "English-only models need no --language");
  std::vector<LanguageGuess> guesses;
  const int64_t rows = audio.shape[0];
  for (int64_t begin = 0; begin < rows; begin += 16) {
    const int64_t end = std::min(rows, begin + 16);
    std::vector<int64_t> names;
    for (int64_t row = begin; row < end; ++row)
      names.push_back(items.empty() ? row : items[static_cast<size_t>(row)]);
    Batch batch(model, audio.slice(begin, end), 1, names, hooks);
    Tensor<int64_t> tokens(Shape{end - begin, 1});
    std::fill_n(tokens.data(), tokens.size(), tokenizer.special().sot);
    const Tensor<float> logits = batch.feed(tokens, 0);
    for (int64_t row = 0; row < end - begin; ++row)
      guesses.push_back(guess_language(tokenizer, logits.view().sub(row).span()));
  }
  return guesses;
}

}  // namespace otoscope::model
