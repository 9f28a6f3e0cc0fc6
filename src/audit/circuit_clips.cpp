#include "audit/circuit_clips.h"

#include <algorithm>

#include "otoscope/circuits/metric.h"
#include "otoscope/core/errors.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::audit {
namespace {

using Kind = Predicate::Kind;

bool looks_at(const Predicate& predicate, std::initializer_list<Kind> kinds) {
  if (std::find(kinds.begin(), kinds.end(), predicate.kind) != kinds.end()) return true;
  return std::any_of(predicate.parts.begin(), predicate.parts.end(),
                     [&](const Predicate& part) { return looks_at(part, kinds); });
}

bool looks_at(const FailureMode& mode, std::initializer_list<Kind> kinds) {
  return std::any_of(mode.rules.begin(), mode.rules.end(),
                     [&](const Rule& rule) { return looks_at(rule.when, kinds); });
}

/// Text that decoding may sample there, against the end.
circuits::Metric text_against_end(const model::Tokenizer& tokenizer, int64_t position) {
  const int64_t eot = tokenizer.special().eot;
  std::vector<uint8_t> allowed(static_cast<size_t>(eot), 1);
  for (const int64_t id : tokenizer.non_speech_tokens())
    if (id < eot) allowed[static_cast<size_t>(id)] = 0;
  std::vector<int64_t> text;
  for (int64_t id = 0; id < eot; ++id)
    if (allowed[static_cast<size_t>(id)] != 0) text.push_back(id);
  return circuits::logit_margin(
      "log-sum-exp of the text tokens' logits less the end's, after the first timestamp", position,
      std::move(text), {eot});
}

/// Per token, so that long references do not outweigh short ones.
circuits::Metric reference_mean(const std::vector<int64_t>& tokens, int64_t first, int64_t last) {
  const double n = static_cast<double>(last - first);
  circuits::Metric sum = circuits::span_log_probability(tokens, first, last);
  return {"mean log p of the reference's tokens, teacher-forced",
          [sum, n](View<const float> logits, View<float> gradient) {
            Tensor<float> whole(logits.shape);
            const double value = sum.of(logits, whole);
            kernels::axpy(static_cast<float>(1 / n), whole.view(), gradient);
            return value / n;
          }};
}

circuits::Metric other_language(const model::Tokenizer& tokenizer, int64_t own) {
  const model::SpecialTokens& special = tokenizer.special();
  std::vector<int64_t> others;
  for (int64_t i = 0; i < special.n_languages; ++i)
    if (special.first_language + i != own) others.push_back(special.first_language + i);
  return circuits::logit_margin("log-sum-exp of the other languages' logits less the clip's own", 0,
                                std::move(others), {own});
}

}  // namespace

Asked asked_by(const FailureMode& mode) {
  if (looks_at(mode, {Kind::wrong_language})) return Asked::language;
  if (looks_at(mode,
               {Kind::deletion, Kind::empty, Kind::number, Kind::name, Kind::wer, Kind::inserted}))
    return Asked::reference;
  return looks_at(mode, {Kind::text}) ? Asked::text : Asked::nothing;
}

std::vector<circuits::AttributionClip> circuit_clips(const Gathered& gathered,
                                                     std::span<const int64_t> rows,
                                                     const FailureMode& mode,
                                                     const Laboratory& lab) {
  const Asked asked = asked_by(mode);
  const model::Tokenizer& tokenizer = lab.tokenizer;
  const model::Dims& dims = lab.model.dims();
  const std::vector<steer::SoundWindow> windows = gathered.for_decoder(rows);
  std::vector<circuits::AttributionClip> clips;
  for (size_t i = 0; i < windows.size(); ++i) {
    const steer::SoundWindow& window = windows[i];
    const steer::HeardBatch one = steer::load_batch(windows, static_cast<int64_t>(i), 1, dims);
    const bool own = gathered.cases[static_cast<size_t>(rows[i])].speech;
    const std::string language = own ? window.clip.language : mode.language;
    circuits::AttributionClip clip;
    if (asked == Asked::reference) {
      clip.tokens = model::forced_tokens(tokenizer, language, window.clip.text.value_or(""));
      const auto first =
          static_cast<int64_t>(tokenizer.sot_sequence(language, "transcribe", true).size());
      const int64_t last = static_cast<int64_t>(clip.tokens.size()) - 1;  // without the end
      if (last <= first || last >= dims.n_text_ctx) continue;
      clip.metric = reference_mean(clip.tokens, first, last);
    } else if (asked == Asked::language) {
      clip.tokens = {tokenizer.special().sot};
      clip.metric = other_language(tokenizer, tokenizer.language_token(language));
    } else {
      OTO_ASSERT(asked == Asked::text);
      clip.tokens = tokenizer.sot_sequence(language);
      clip.tokens.push_back(tokenizer.special().timestamp_begin);
      clip.metric = text_against_end(tokenizer, static_cast<int64_t>(clip.tokens.size()) - 1);
    }
    clip.mel = Tensor<float>::copy_of(one.mel.view().sub(0));
    clip.frames = one.valid[0];
    clip.cluster = window.cluster;
    if (clip.frames > 0) clips.push_back(std::move(clip));
  }
  return clips;
}

}  // namespace otoscope::audit
