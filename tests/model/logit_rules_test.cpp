#include "model/decode/logit_rules.h"

#include <doctest/doctest.h>

#include <cmath>

#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::model;

namespace {

constexpr int64_t kVocab = 1924, kEot = 316, kTime = 423;

const Tokenizer& tokenizer() {
  static const Tokenizer one = Tokenizer::load(testing::golden("whisper_nano"), kVocab);
  return one;
}

/// Logits that favour text, so that the rule of summed timestamps is silent.
std::vector<float> flat() {
  std::vector<float> logits(kVocab, 0.0f);
  logits[100] = 20;
  return logits;
}

std::vector<float> after(const DecodeOptions& options, std::vector<int64_t> sampled,
                         std::vector<float> logits = flat()) {
  LogitRules(tokenizer(), options).apply(logits, sampled);
  return logits;
}

bool allowed(const std::vector<float>& logits, int64_t id) {
  return std::isfinite(logits[static_cast<size_t>(id)]);
}

int64_t count(const std::vector<float>& logits, int64_t begin, int64_t end) {
  int64_t n = 0;
  for (int64_t i = begin; i < end; ++i) n += allowed(logits, i);
  return n;
}

}  // namespace

TEST_CASE("the first token is a timestamp of at most one second") {
  const auto logits = after({}, {});
  CHECK(count(logits, 0, kTime) == 0);
  CHECK(count(logits, kTime, kTime + 51) == 51);
  CHECK(count(logits, kTime + 51, kVocab) == 0);
  DecodeOptions any;
  any.max_initial_timestamp = -1;
  CHECK(count(after(any, {}), kTime, kVocab) == kVocab - kTime);
}

TEST_CASE("timestamps come in pairs and never go back") {
  const int64_t two = kTime + 100;
  // After an opening one: text, no timestamp.
  CHECK(count(after({}, {two}), kTime, kVocab) == 0);
  CHECK(allowed(after({}, {two}), 100));
  // Inside text: text, or a timestamp that makes the segment longer than nothing.
  const auto inside = after({}, {two, 100});
  CHECK(allowed(inside, 100));
  CHECK_FALSE(allowed(inside, two));
  CHECK(allowed(inside, two + 1));
  // After a closing one: eot or a timestamp, which may be the same.
  auto logits = flat();
  logits[kEot] = 20;
  const auto closed = after({}, {two, 100, two + 50}, logits);
  CHECK(count(closed, 0, kEot) == 0);
  CHECK(allowed(closed, kEot));
  CHECK_FALSE(allowed(closed, two + 49));
  CHECK(allowed(closed, two + 50));
  // After a pair: text again.
  CHECK(count(after({}, {two, 100, two + 50, two + 50}), kTime, kVocab) == 0);
}

TEST_CASE("timestamps that together outweigh every other token win") {
  std::vector<float> logits(kVocab, -10.0f);
  for (int64_t i = kTime; i < kVocab; ++i) logits[static_cast<size_t>(i)] = 0;
  const std::vector<int64_t> sampled{kTime, 100};
  logits[100] = static_cast<float>(std::log(1500.0)) + 0.01f;  // 1,500 are allowed: kTime is not
  CHECK(allowed(after({}, sampled, logits), 100));
  logits[100] -= 0.02f;
  CHECK_FALSE(allowed(after({}, sampled, logits), 100));
  CHECK_FALSE(allowed(after({}, sampled, logits), kEot));
}

TEST_CASE("without timestamps only blanks and suppressed tokens are out") {
  DecodeOptions options;
  options.without_timestamps = true;
  const auto first = after(options, {});
  CHECK_FALSE(allowed(first, kEot));
  CHECK_FALSE(allowed(first, 220));
  CHECK_FALSE(allowed(first, 1));    // "\""
  CHECK_FALSE(allowed(first, 421));  // no_speech
  CHECK(allowed(first, 422));
  CHECK(allowed(after(options, {100}), kEot));
  options.suppress_tokens = {};
  options.suppress_blank = false;
  CHECK(count(after(options, {}), 0, kVocab) == kVocab);
  options.suppress_tokens = {5};
  CHECK_FALSE(allowed(after(options, {}), 5));
  CHECK(allowed(after(options, {}), 1));
}

TEST_CASE("choices carry log-probabilities and margins") {
  const std::vector<float> logits{0, 3, -INFINITY, 1, 3};
  const double total = std::log(1 + 2 * std::exp(3.0) + std::exp(1.0));
  const Choice best = choose_best(logits);
  CHECK(best.token == 1);  // the lowest id of equals
  CHECK(best.margin == 0);
  CHECK(best.logprob == doctest::Approx(3 - total));
  const auto top = choose_top(logits, 3);
  CHECK(top[0].token == 1);
  CHECK(top[1].token == 4);
  CHECK(top[2].token == 3);
  CHECK(choose_at(logits, 1.0, 0.0).token == 0);
  CHECK(choose_at(logits, 1.0, std::exp(0 - total) + 1e-9).token == 1);
  CHECK(choose_at(logits, 1.0, 1 - 1e-12).token == 4);
  CHECK(choose_at(logits, 1.0, 0.999).logprob == doctest::Approx(3 - total));
  const std::vector<float> none(3, -INFINITY), broken{0, NAN};
  CHECK(testing::error_of([&] { choose_best(none); }).find("at least one allowed token") !=
        std::string::npos);
  CHECK(testing::error_of([&] { choose_best(broken); }).find("finite") != std::string::npos);
}

TEST_CASE("sampling follows the probabilities") {
  const std::vector<float> logits{0.0f, 1.0f, 2.0f};
  int64_t seen[3] = {};
  const int n = 30000;
  for (int i = 0; i < n; ++i) ++seen[choose_at(logits, 2.0, (i + 0.5) / n).token];
  const double total = 1 + std::exp(0.5) + std::exp(1.0);
  for (int i = 0; i < 3; ++i)
    CHECK(static_cast<double>(seen[i]) / n ==
          doctest::Approx(std::exp(0.5 * i) / total).epsilon(1e-3));
}
