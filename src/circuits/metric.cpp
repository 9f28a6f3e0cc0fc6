#include "otoscope/circuits/metric.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "otoscope/core/errors.h"

namespace otoscope::circuits {
namespace {

/// sign * logsumexp over `tokens` of one row; its softmax is added to the gradient.
double add_logsumexp(const float* row, const std::vector<int64_t>& tokens, double sign,
                     float* gradient) {
  double largest = -INFINITY;
  for (const int64_t token : tokens) largest = std::max(largest, static_cast<double>(row[token]));
  double sum = 0;
  for (const int64_t token : tokens) sum += std::exp(static_cast<double>(row[token]) - largest);
  for (const int64_t token : tokens)
    gradient[token] +=
        static_cast<float>(sign * std::exp(static_cast<double>(row[token]) - largest) / sum);
  return sign * (largest + std::log(sum));
}

void check_position(const std::string& name, int64_t position, View<const float> logits) {
  if (position < 0 || position >= logits.rows())
    throw UserError(name, "expected a position below " + std::to_string(logits.rows()) + ", got " +
                              std::to_string(position));
}

std::vector<int64_t> range(int64_t begin, int64_t end) {
  std::vector<int64_t> tokens(static_cast<size_t>(end - begin));
  std::iota(tokens.begin(), tokens.end(), begin);
  return tokens;
}

}  // namespace

Metric logit_margin(std::string name, int64_t position, std::vector<int64_t> wanted,
                    std::vector<int64_t> against) {
  if (wanted.empty() || against.empty())
    throw UserError(name, "expected tokens on both sides of a margin, got none");
  auto of = [name, position, wanted = std::move(wanted), against = std::move(against)](
                View<const float> logits, View<float> gradient) {
    check_position(name, position, logits);
    for (const auto* tokens : {&wanted, &against})
      for (const int64_t token : *tokens)
        if (token < 0 || token >= logits.width())
          throw UserError(name, "expected ids below " + std::to_string(logits.width()) + ", got " +
                                    std::to_string(token));
    return add_logsumexp(logits.row(position), wanted, 1, gradient.row(position)) +
           add_logsumexp(logits.row(position), against, -1, gradient.row(position));
  };
  return {std::move(name), std::move(of)};
}

Metric text_margin(const model::SpecialTokens& special, int64_t position) {
  return logit_margin("text_margin", position, range(0, special.eot), {special.eot});
}

Metric no_speech_log_odds(const model::SpecialTokens& special, int64_t n_vocab, int64_t position) {
  std::vector<int64_t> others = range(0, n_vocab);
  others.erase(others.begin() + special.no_speech);
  return logit_margin("no_speech_log_odds", position, {special.no_speech}, std::move(others));
}

Metric span_log_probability(std::vector<int64_t> tokens, int64_t first, int64_t last) {
  if (first < 1 || last <= first || last > static_cast<int64_t>(tokens.size()))
    throw UserError("span_log_probability", "expected tokens of the sequence, got " +
                                                std::to_string(first) + " to " +
                                                std::to_string(last));
  auto of = [tokens = std::move(tokens), first, last](View<const float> logits,
                                                      View<float> gradient) {
    check_position("span_log_probability", last - 2, logits);
    const std::vector<int64_t> all = range(0, logits.width());
    double sum = 0;
    for (int64_t i = first; i < last; ++i) {
      const int64_t token = tokens[static_cast<size_t>(i)];
      sum += static_cast<double>(logits.at(i - 1, token)) +
             add_logsumexp(logits.row(i - 1), all, -1, gradient.row(i - 1));
      gradient.at(i - 1, token) += 1;
    }
    return sum;
  };
  return {"span_log_probability", std::move(of)};
}

}  // namespace otoscope::circuits
