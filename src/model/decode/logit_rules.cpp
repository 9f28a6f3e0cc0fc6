#include "model/decode/logit_rules.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"

namespace otoscope::model {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

void forbid(std::span<float> logits, int64_t begin, int64_t end) {
  end = std::min(end, static_cast<int64_t>(logits.size()));
  for (int64_t i = std::max<int64_t>(begin, 0); i < end; ++i)
    logits[static_cast<size_t>(i)] = kNever;
}

void forbid(std::span<float> logits, const std::vector<int64_t>& ids) {
  for (const int64_t id : ids) logits[static_cast<size_t>(id)] = kNever;
}

std::vector<int64_t> suppressed_tokens(const Tokenizer& tokenizer,
                                       const std::vector<int64_t>& wanted) {
  if (wanted.empty()) return {};
  std::vector<int64_t> ids;
  for (const int64_t id : wanted) {
    if (id == -1)
      ids.insert(ids.end(), tokenizer.non_speech_tokens().begin(),
                 tokenizer.non_speech_tokens().end());
    else if (id < 0 || id >= tokenizer.n_vocab())
      throw UserError("--suppress-tokens", "expected -1 or ids below " +
                                               std::to_string(tokenizer.n_vocab()) + ", got " +
                                               std::to_string(id));
    else
      ids.push_back(id);
  }
  const SpecialTokens& s = tokenizer.special();
  for (const int64_t id : {s.transcribe, s.translate, s.sot, s.sot_prev, s.sot_lm, s.no_speech})
    ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace

LogitRules::LogitRules(const Tokenizer& tokenizer, const DecodeOptions& options)
    : suppressed_(suppressed_tokens(tokenizer, options.suppress_tokens)),
      eot_(tokenizer.special().eot),
      no_timestamps_(tokenizer.special().no_timestamps),
      timestamp_begin_(tokenizer.special().timestamp_begin),
      timestamps_(!options.without_timestamps) {
  if (options.suppress_blank) {
    blank_ = tokenizer.blank_tokens();
    blank_.push_back(eot_);
  }
  // openai-whisper takes 0 as "no limit".
  if (options.max_initial_timestamp > 0)
    last_initial_ = timestamp_begin_ + audio::frame_at(options.max_initial_timestamp).index;
}

void LogitRules::apply(std::span<float> logits, std::span<const int64_t> sampled) const {
  if (sampled.empty()) forbid(logits, blank_);
  forbid(logits, suppressed_);
  if (timestamps_) apply_timestamps(logits, sampled);
}

void LogitRules::apply_timestamps(std::span<float> logits, std::span<const int64_t> sampled) const {
  const auto n_vocab = static_cast<int64_t>(logits.size());
  const auto is_time = [&](size_t from_end) {
    return sampled[sampled.size() - from_end] >= timestamp_begin_;
  };
  logits[static_cast<size_t>(no_timestamps_)] = kNever;

  const bool last_is_time = !sampled.empty() && is_time(1);
  const bool one_before_is_time = sampled.size() < 2 || is_time(2);
  if (last_is_time && one_before_is_time) forbid(logits, timestamp_begin_, n_vocab);
  if (last_is_time && !one_before_is_time) forbid(logits, 0, eot_);

  for (size_t i = sampled.size(); i-- > 0;) {
    if (sampled[i] < timestamp_begin_) continue;
    // A segment that opens may start where the last one ended; one that closes must be longer.
    const bool opens = last_is_time && !one_before_is_time;
    forbid(logits, timestamp_begin_, opens ? sampled[i] : sampled[i] + 1);
    break;
  }
  if (sampled.empty()) {
    forbid(logits, 0, timestamp_begin_);
    if (last_initial_ >= 0) forbid(logits, last_initial_ + 1, n_vocab);
  }

  const auto begin = static_cast<size_t>(timestamp_begin_);
  const float best_text = *std::max_element(logits.begin(), logits.begin() + timestamp_begin_);
  if (log_sum_exp(logits.subspan(begin)) > static_cast<double>(best_text))
    forbid(logits, 0, timestamp_begin_);
}

double log_sum_exp(std::span<const float> logits) {
  // What is 30 below the maximum adds less than 1e-13 of the sum.
  float largest = kNever;
  for (const float x : logits) largest = x > largest ? x : largest;
  if (largest == kNever) return -std::numeric_limits<double>::infinity();
  double sum = 0;
  for (const float x : logits)
    if (!(x < largest - 30)) sum += static_cast<double>(std::exp(x - largest));
  return static_cast<double>(largest) + std::log(sum);
}

namespace {

double checked_log_sum_exp(std::span<const float> logits) {
  const double total = log_sum_exp(logits);
  if (!std::isfinite(total))
    throw UserError("decode", "expected finite logits of at least one allowed token, got none",
                    "look at what edits the model, and at the suppressed tokens");
  return total;
}

}  // namespace

Choice choose_best(std::span<const float> logits) {
  const double total = checked_log_sum_exp(logits);
  size_t best = 0;
  float first = kNever, second = kNever;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] > first) {
      second = first;
      first = logits[i];
      best = i;
    } else if (logits[i] > second) {
      second = logits[i];
    }
  }
  return {static_cast<int64_t>(best), static_cast<double>(first) - total, first - second};
}

Choice choose_at(std::span<const float> logits, double temperature, double u) {
  const double total = checked_log_sum_exp(logits);
  const auto largest = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  const auto weight = [&](float x) {
    return std::exp((static_cast<double>(x) - largest) / temperature);
  };
  double sum = 0;
  for (const float x : logits) sum += weight(x);
  double rest = u * sum;
  size_t chosen = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    const double w = weight(logits[i]);
    if (w <= 0) continue;
    chosen = i;  // rounding may leave a rest after the last one
    if (rest < w) break;
    rest -= w;
  }
  return {static_cast<int64_t>(chosen), static_cast<double>(logits[chosen]) - total, 0};
}

std::vector<Choice> choose_top(std::span<const float> logits, int k) {
  const double total = checked_log_sum_exp(logits);
  std::vector<std::pair<float, int64_t>> best;  // falling
  for (size_t i = 0; i < logits.size(); ++i) {
    if (best.size() == static_cast<size_t>(k) && !(logits[i] > best.back().first)) continue;
    auto place = best.end();
    while (place != best.begin() && logits[i] > std::prev(place)->first) --place;
    best.insert(place, {logits[i], static_cast<int64_t>(i)});
    if (best.size() > static_cast<size_t>(k)) best.pop_back();
  }
  std::vector<Choice> choices;
  for (const auto& [logit, token] : best)
    choices.push_back({token, static_cast<double>(logit) - total, 0});
  return choices;
}

}  // namespace otoscope::model
