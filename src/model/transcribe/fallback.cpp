#include "model/transcribe/fallback.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/text.h"

namespace otoscope::model {
namespace {

std::vector<int64_t> parse_ids(const std::string& text) {
  std::vector<int64_t> ids;
  if (trimmed(text).empty()) return ids;
  for (const std::string& part : split(text, ',')) {
    const std::string number(trimmed(part));
    char* end = nullptr;
    const long long id = std::strtoll(number.c_str(), &end, 10);
    if (number.empty() || *end != '\0')
      throw UserError("--suppress-tokens", "expected ids separated by commas, got " + text, "-1");
    ids.push_back(id);
  }
  return ids;
}

DecodeOptions decode_options(const TranscribeOptions& o) {
  DecodeOptions d;
  d.task = o.task;
  d.sample_len = o.max_tokens;
  d.beam_size = o.beam;
  d.patience = o.patience;
  d.best_of = o.best_of;
  if (o.length_penalty >= 0) d.length_penalty = o.length_penalty;
  d.suppress_tokens = parse_ids(o.suppress_tokens);
  d.suppress_blank = !o.keep_blank;
  d.without_timestamps = o.without_timestamps;
  d.max_initial_timestamp = o.max_initial_timestamp;
  d.seed = o.seed;
  d.batch = o.batch;
  return d;
}

bool fails(const DecodeResult& r, const TranscribeOptions& o) {
  const bool unsure = r.avg_logprob < o.logprob_threshold;
  if (r.no_speech_prob > o.no_speech_threshold && unsure) return false;  // silence
  return r.compression_ratio > o.compression_ratio_threshold || unsure;
}

}  // namespace

Encoded::Encoded(const Whisper& model, size_t windows)
    : model_(model),
      audio_(Tensor<float>::uninitialized(
          {static_cast<int64_t>(windows), model.dims().n_audio_ctx, model.dims().n_audio_state})) {}

void Encoded::put(size_t i, const Tensor<float>& mel, int64_t item, int64_t valid, Hooks hooks) {
  throw_if_interrupted();
  Rows rows;
  rows.item = {&item, 1};
  const auto frames =
      static_cast<int32_t>(std::min<int64_t>((valid + 1) / 2, model_.dims().n_audio_ctx));
  rows.valid = {&frames, 1};
  const Shape shape = mel.shape();
  const Tensor<float> out =
      model_.encode(mel.view().reshaped({1, shape[0], shape[1]}), rows, hooks);
  std::copy_n(out.data(), out.size(), audio_.view().sub(static_cast<int64_t>(i)).data);
}

Tensor<float> Encoded::some(std::span<const size_t> rows) const {
  const Shape shape = audio_.shape();
  auto out = Tensor<float>::uninitialized({static_cast<int64_t>(rows.size()), shape[1], shape[2]});
  for (size_t i = 0; i < rows.size(); ++i)
    std::copy_n(one(rows[i]).data, shape[1] * shape[2],
                out.view().sub(static_cast<int64_t>(i)).data);
  return out;
}

std::vector<DecodeResult> decode_with_fallback(const LongFormContext& c, const Encoded& encoded,
                                               const std::vector<Task>& tasks) {
  std::vector<DecodeResult> results(tasks.size());
  std::vector<size_t> open(tasks.size());
  for (size_t i = 0; i < open.size(); ++i) open[i] = i;
  for (const float temperature : c.options.temperature) {
    DecodeOptions options = decode_options(c.options);
    options.temperature = std::round(static_cast<double>(temperature) * 1e6) / 1e6;
    std::vector<int64_t> items;
    for (const size_t i : open) {
      items.push_back(tasks[i].file->item());
      options.languages.push_back(tasks[i].file->language());
      options.prompts.push_back(tasks[i].prompt);
    }
    Tensor<float> part;
    const bool whole = open.size() == tasks.size();
    if (!whole) part = encoded.some(open);
    auto decoded =
        decode(c.model, c.tokenizer, whole ? encoded.all() : part.view(), options, items, c.hooks);
    std::vector<size_t> failed;
    for (size_t i = 0; i < open.size(); ++i) {
      if (fails(decoded[i], c.options)) failed.push_back(open[i]);
      results[open[i]] = std::move(decoded[i]);
    }
    open = std::move(failed);
    if (open.empty()) break;
  }
  return results;
}

}  // namespace otoscope::model
