#include "otoscope/model/decode.h"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "model/decode/batch.h"
#include "model/decode/logit_rules.h"
#include "model/decode/prompt.h"
#include "model/decode/search.h"
#include "model/text/unicode.h"
#include "otoscope/core/errors.h"

namespace otoscope::model {
namespace {

void check(const DecodeOptions& o, size_t rows) {
  const auto refuse = [](const char* option, const char* problem) {
    throw UserError(option, problem);
  };
  if (!(o.temperature >= 0)) refuse("--temperature", "expected a number of at least 0");
  if (o.beam_size < 0) refuse("--beam", "expected a number of at least 0");
  if (!(o.patience > 0)) refuse("--patience", "expected a number over 0");
  if (o.best_of < 1) refuse("--best-of", "expected a number of at least 1");
  if (o.sample_len < 0) refuse("--max-tokens", "expected a number of at least 0");
  if (o.length_penalty && !(*o.length_penalty >= 0 && *o.length_penalty <= 1))
    refuse("--length-penalty", "expected a number in [0, 1]");
  for (const auto& [option, size] :
       {std::pair("--language", o.languages.size()), std::pair("prompts", o.prompts.size())})
    if (size > 1 && size != rows)
      throw UserError(
          option,
          fmt::format("expected one value, or one for each of {} windows, got {}", rows, size));
}

int windows_at_once(const Dims& dims, int wanted) {
  if (wanted > 0) return wanted;
  const int64_t bytes = int64_t{8} * dims.n_text_layer * dims.n_audio_ctx * dims.n_text_state;
  return static_cast<int>(std::clamp<int64_t>((int64_t{768} << 20) / bytes, 1, 64));
}

template <class Value>
const Value& row_value(const std::vector<Value>& values, size_t row) {
  return values[values.size() == 1 ? 0 : row];
}

Tensor<float> gather(View<const float> audio, std::span<const size_t> rows) {
  Shape shape = audio.shape.tail();
  const int64_t count = shape.count();
  auto out = Tensor<float>::uninitialized({static_cast<int64_t>(rows.size()), shape[0], shape[1]});
  for (size_t i = 0; i < rows.size(); ++i)
    std::copy_n(audio.data + static_cast<int64_t>(rows[i]) * count, count,
                out.data() + static_cast<int64_t>(i) * count);
  return out;
}

bool consecutive(std::span<const size_t> rows) {
  for (size_t i = 1; i < rows.size(); ++i)
    if (rows[i] != rows[i - 1] + 1) return false;
  return true;
}

DecodeResult result_of(const Tokenizer& tokenizer, const Candidate& answer,
                       const DecodeOptions& options) {
  DecodeResult result;
  result.tokens = answer.tokens;
  result.text = text::strip(tokenizer.decode(answer.tokens));
  result.avg_logprob = answer.sum_logprob / static_cast<double>(answer.tokens.size() + 1);
  result.compression_ratio = compression_ratio(result.text);
  result.temperature = options.temperature;
  result.margins = answer.margins;
  return result;
}

/// One batch of windows whose prompts are equally long.
std::vector<DecodeResult> decode_batch(const Whisper& model, const Tokenizer& tokenizer,
                                       View<const float> audio, const DecodeOptions& options,
                                       const LogitRules& rules, std::vector<Prompt> prompts,
                                       std::span<const int64_t> items, Hooks hooks) {
  const Dims& dims = model.dims();
  const auto length = static_cast<int>(prompts[0].tokens.size());
  const int sample_len = options.sample_len > 0 ? options.sample_len : dims.n_text_ctx / 2;
  // The last sampled token is never read by the model, so one more fits than there are positions.
  const Search search{options, rules, tokenizer.special().eot,
                      std::min(sample_len, dims.n_text_ctx - length + 1), items};
  Batch batch(model, audio, std::min(dims.n_text_ctx, length + search.limit), items, hooks);
  std::vector<double> no_speech;
  Tensor<float> first = feed_prompts(batch, tokenizer, prompts, no_speech);
  const bool beams = options.beam_size > 0 && options.temperature == 0;
  const auto answers = beams ? beam_search(batch, std::move(first), search)
                             : sample(batch, std::move(first), search);
  std::vector<DecodeResult> results;
  for (size_t i = 0; i < answers.size(); ++i) {
    results.push_back(result_of(tokenizer, best_of(answers[i], options.length_penalty), options));
    results.back().language = prompts[i].language;
    results.back().no_speech_prob = no_speech[i];
  }
  return results;
}

}  // namespace

double compression_ratio(std::string_view text) {
  uLongf size = compressBound(static_cast<uLong>(text.size()));
  std::vector<Bytef> packed(size);
  const int status = compress(packed.data(), &size, reinterpret_cast<const Bytef*>(text.data()),
                              static_cast<uLong>(text.size()));
  OTO_ASSERT(status == Z_OK);
  return static_cast<double>(text.size()) / static_cast<double>(size);
}

const Candidate& best_of(const std::vector<Candidate>& candidates,
                         std::optional<double> length_penalty) {
  size_t best = 0;
  double best_score = -INFINITY;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const auto n = static_cast<double>(candidates[i].tokens.size());
    const double score =
        candidates[i].sum_logprob / (length_penalty ? std::pow((5 + n) / 6, *length_penalty) : n);
    if (score > best_score) best = i, best_score = score;
  }
  return candidates[best];
}

std::vector<DecodeResult> decode(const Whisper& model, const Tokenizer& tokenizer,
                                 View<const float> audio, const DecodeOptions& options,
                                 std::span<const int64_t> items, Hooks hooks) {
  OTO_ASSERT(audio.shape.rank() == 3);
  const auto rows = static_cast<size_t>(audio.shape[0]);
  OTO_ASSERT(items.empty() || items.size() == rows);
  check(options, rows);
  const LogitRules rules(tokenizer, options);

  std::map<size_t, std::vector<size_t>> by_length;  // a cache holds prompts of one length
  std::vector<Prompt> prompts;
  for (size_t row = 0; row < rows; ++row) {
    prompts.push_back(make_prompt(
        tokenizer, model.dims(), options,
        options.languages.empty() ? std::string() : row_value(options.languages, row),
        options.prompts.empty() ? std::vector<int64_t>() : row_value(options.prompts, row)));
    by_length[prompts.back().tokens.size()].push_back(row);
  }

  std::vector<DecodeResult> results(rows);
  const auto at_once = static_cast<size_t>(windows_at_once(model.dims(), options.batch));
  for (const auto& [length, members] : by_length)
    for (size_t begin = 0; begin < members.size(); begin += at_once) {
      const std::span<const size_t> some =
          std::span(members).subspan(begin, std::min(at_once, members.size() - begin));
      std::vector<int64_t> names;
      std::vector<Prompt> some_prompts;
      for (const size_t row : some) {
        names.push_back(items.empty() ? static_cast<int64_t>(row) : items[row]);
        some_prompts.push_back(prompts[row]);
      }
      Tensor<float> copy;
      View<const float> part;
      if (consecutive(some)) {
        part =
            audio.slice(static_cast<int64_t>(some.front()), static_cast<int64_t>(some.back()) + 1);
      } else {
        copy = gather(audio, some);
        part = copy;
      }
      auto decoded = decode_batch(model, tokenizer, part, options, rules, std::move(some_prompts),
                                  names, hooks);
      for (size_t i = 0; i < some.size(); ++i) results[some[i]] = std::move(decoded[i]);
    }
  return results;
}

TokenBatch pad_tokens(std::span<const std::vector<int64_t>> sequences, int64_t padding) {
  size_t longest = 0;
  for (const auto& sequence : sequences) longest = std::max(longest, sequence.size());
  TokenBatch batch{
      Tensor<int64_t>(Shape{static_cast<int64_t>(sequences.size()), static_cast<int64_t>(longest)}),
      {}};
  std::fill_n(batch.tokens.data(), batch.tokens.size(), padding);
  for (size_t i = 0; i < sequences.size(); ++i) {
    std::copy(sequences[i].begin(), sequences[i].end(),
              batch.tokens.data() + static_cast<int64_t>(i * longest));
    batch.valid.push_back(static_cast<int32_t>(sequences[i].size()));
  }
  return batch;
}

}  // namespace otoscope::model
