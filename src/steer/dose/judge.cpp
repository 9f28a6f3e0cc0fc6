#include "steer/dose/judge.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/core/threads.h"
#include "otoscope/model/decode.h"
#include "otoscope/model/normalizer.h"
#include "otoscope/model/wer.h"

namespace otoscope::steer {
namespace {

constexpr int64_t kForcedAtOnce = 4;   // logits of so many clips in one forward
constexpr double kLoopingRatio = 2.4;  // openai-whisper's bound on the compression ratio

double log_sum_exp(const float* x, int64_t n) {
  const double largest = *std::max_element(x, x + n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(x[i]) - largest);
  return largest + std::log(sum);
}

/// Sums over one clip's predicted tokens, made of per-token parts so that threads do not matter.
struct TokenPart {
  double ce = 0, kl = 0;
  bool agree = false;
  std::vector<double> watched;
};

}  // namespace

Judge::Judge(const model::Whisper& model, const model::Tokenizer& tokenizer, const Target& target,
             const DoseOptions& options)
    : model_(model), tokenizer_(tokenizer), options_(options), watched_(target.tokens()) {
  for (const std::string& code : target.languages())
    languages_.push_back(tokenizer.language_token(code));
}

std::vector<Tensor<float>> Judge::forced(std::span<const eval::SplicedClip> clips,
                                         std::span<const int64_t> items, View<const float> audio,
                                         model::Hooks hooks) const {
  std::vector<Tensor<float>> all;
  const auto n = static_cast<int64_t>(clips.size());
  for (int64_t first = 0; first < n; first += kForcedAtOnce) {
    const int64_t end = std::min(n, first + kForcedAtOnce);
    std::vector<std::vector<int64_t>> sequences;
    for (int64_t i = first; i < end; ++i) sequences.push_back(clips[static_cast<size_t>(i)].tokens);
    const model::TokenBatch tokens = model::pad_tokens(sequences, tokenizer_.special().eot);
    model::Rows rows;
    rows.B = end - first;
    rows.item = items.subspan(static_cast<size_t>(first), static_cast<size_t>(end - first));
    rows.valid = tokens.valid;
    const Tensor<float> logits =
        model_.decode_forced(audio.slice(first, end), tokens.tokens, rows, hooks);
    for (int64_t i = first; i < end; ++i)
      all.push_back(Tensor<float>::copy_of(
          logits.view().sub(i - first).slice(0, tokens.valid[static_cast<size_t>(i - first)])));
  }
  return all;
}

void Judge::judge(const eval::SplicedClip& clip, View<const float> clean, View<const float> logits,
                  Outcome& outcome) const {
  OTO_ASSERT(clean.shape == logits.shape);
  const int64_t V = logits.width();
  const auto count = static_cast<int64_t>(clip.tokens.size()) - clip.prompt;
  std::vector<TokenPart> parts(static_cast<size_t>(count));
  parallel_ranges(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const float* p = clean.row(clip.prompt - 1 + t);
      const float* q = logits.row(clip.prompt - 1 + t);
      const double sum_p = log_sum_exp(p, V), sum_q = log_sum_exp(q, V);
      TokenPart& part = parts[static_cast<size_t>(t)];
      if (p != q)
        for (int64_t v = 0; v < V; ++v) {
          const double log_p = p[v] - sum_p;
          part.kl += std::exp(log_p) * (log_p - (q[v] - sum_q));
        }
      part.kl = std::max(0.0, part.kl);
      part.ce = sum_q - q[clip.tokens[static_cast<size_t>(clip.prompt + t)]];
      part.agree = std::max_element(p, p + V) - p == std::max_element(q, q + V) - q;
      for (const int64_t token : watched_) part.watched.push_back(std::exp(q[token] - sum_q));
    }
  });
  outcome.tokens = count;
  outcome.watched.assign(watched_.size(), 0);
  for (const TokenPart& part : parts) {
    outcome.ce += part.ce, outcome.kl += part.kl, outcome.agree += part.agree ? 1 : 0;
    for (size_t w = 0; w < watched_.size(); ++w) outcome.watched[w] += part.watched[w];
  }
  if (!std::isfinite(outcome.ce) || !std::isfinite(outcome.kl))
    throw UserError(clip.clip.id, "the edit makes the logits infinite or not a number",
                    "use smaller strengths");

  // Causal: what follows [sot] does not change its row.
  const float* first = logits.row(0);
  const model::SpecialTokens& special = tokenizer_.special();
  outcome.no_speech = std::exp(first[special.no_speech] - log_sum_exp(first, V));
  if (!special.multilingual) return;
  const double all = log_sum_exp(first + special.first_language, special.n_languages);
  for (const int64_t token : languages_) outcome.languages.push_back(std::exp(first[token] - all));
  outcome.own_language = std::exp(first[clip.tokens[1]] - all);
}

void Judge::decode(std::span<const eval::SplicedClip> clips, std::span<const int64_t> items,
                   View<const float> audio, model::Hooks hooks, const std::string& language,
                   std::span<Outcome> outcomes) const {
  model::DecodeOptions options;
  if (language == "own")
    for (const auto& clip : clips) options.languages.push_back(clip.clip.language);
  else if (language != "detect")
    options.languages = {language};
  options.without_timestamps = true;
  options.sample_len = options_.max_tokens;
  options.batch = options_.batch;
  const auto results = model::decode(model_, tokenizer_, audio, options, items, hooks);
  for (size_t i = 0; i < clips.size(); ++i) {
    Outcome& o = outcomes[i];
    o.decoded = true;
    o.text = results[i].text;
    o.detected = results[i].language;
    o.normalised = trimmed(model::normalize(o.text, clips[i].clip.language));
    const auto words = model::word_errors(clips[i].reference, o.normalised);
    const auto characters = model::character_errors(clips[i].reference, o.normalised);
    o.words = words.reference(), o.word_errors = words.errors();
    o.characters = characters.reference(), o.character_errors = characters.errors();
    o.length = static_cast<int64_t>(results[i].tokens.size());
    o.empty = o.normalised.empty();
    o.looping = results[i].compression_ratio > kLoopingRatio;
  }
}

}  // namespace otoscope::steer
