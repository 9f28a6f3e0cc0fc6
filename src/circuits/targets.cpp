#include <algorithm>
#include <cmath>
#include <numeric>

#include "circuits/directions.h"
#include "otoscope/circuits/trace.h"
#include "otoscope/core/errors.h"

namespace otoscope::circuits {
namespace {

/// Probabilities after one position, in double.
std::vector<double> probabilities(View<const float> logits, int64_t position) {
  const float* row = logits.row(position);
  std::vector<double> p(static_cast<size_t>(logits.width()));
  const double largest = static_cast<double>(*std::max_element(row, row + logits.width()));
  double sum = 0;
  for (size_t v = 0; v < p.size(); ++v)
    sum += p[v] = std::exp(static_cast<double>(row[v]) - largest);
  for (double& x : p) x /= sum;
  return p;
}

LogitTarget target_of(const std::vector<double>& p, const model::Tokenizer& tokenizer,
                      int64_t position, int64_t token) {
  if (token < 0 || token >= static_cast<int64_t>(p.size()))
    throw UserError("token", "expected an id below " + std::to_string(p.size()) + ", got " +
                                 std::to_string(token));
  LogitTarget target;
  target.position = position, target.token = token;
  target.probability = target.weight = p[static_cast<size_t>(token)];
  target.text = tokenizer.piece(token);
  return target;
}

}  // namespace

Tensor<float> logit_directions(View<const float> E, std::span<const LogitTarget> targets) {
  const int64_t d = E.width(), V = E.rows();
  std::vector<double> mean(static_cast<size_t>(d));
  for (int64_t v = 0; v < V; ++v)
    for (int64_t j = 0; j < d; ++j) mean[static_cast<size_t>(j)] += static_cast<double>(E.at(v, j));
  Tensor<float> out({static_cast<int64_t>(targets.size()), d});
  for (size_t i = 0; i < targets.size(); ++i)
    for (int64_t j = 0; j < d; ++j) {
      const double base = targets[i].against >= 0
                              ? static_cast<double>(E.at(targets[i].against, j))
                              : mean[static_cast<size_t>(j)] / static_cast<double>(V);
      out.at(static_cast<int64_t>(i), j) =
          static_cast<float>(static_cast<double>(E.at(targets[i].token, j)) - base);
    }
  return out;
}

std::vector<LogitTarget> likely_targets(View<const float> logits, const model::Tokenizer& tokenizer,
                                        double share, int most) {
  const int64_t position = logits.rows() - 1;
  const std::vector<double> p = probabilities(logits, position);
  std::vector<int64_t> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  const auto count = std::min<int64_t>(most, static_cast<int64_t>(p.size()));
  std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](int64_t a, int64_t b) {
    const double x = p[static_cast<size_t>(a)], y = p[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  });
  std::vector<LogitTarget> targets;
  double sum = 0;
  for (int64_t i = 0; i < count && (targets.empty() || sum < share); ++i) {
    targets.push_back(target_of(p, tokenizer, position, order[static_cast<size_t>(i)]));
    sum += targets.back().probability;
  }
  return targets;
}

LogitTarget contrast_target(View<const float> logits, const model::Tokenizer& tokenizer, int64_t a,
                            int64_t b) {
  if (a == b) throw UserError("--contrast", "expected two different tokens, got one twice");
  const int64_t position = logits.rows() - 1;
  const std::vector<double> p = probabilities(logits, position);
  LogitTarget target = target_of(p, tokenizer, position, a);
  const LogitTarget other = target_of(p, tokenizer, position, b);
  target.against = b;
  target.weight = 1;
  target.text += " - " + other.text;
  return target;
}

std::vector<LogitTarget> span_targets(View<const float> logits, const model::Tokenizer& tokenizer,
                                      std::span<const int64_t> tokens, int64_t first,
                                      int64_t last) {
  if (first < 1 || last <= first || last > static_cast<int64_t>(tokens.size()) ||
      last - 1 > logits.rows())
    throw UserError("--span", "expected tokens of the transcript, got " + std::to_string(first) +
                                  " to " + std::to_string(last));
  std::vector<LogitTarget> targets;
  for (int64_t i = first; i < last; ++i) {
    targets.push_back(
        target_of(probabilities(logits, i - 1), tokenizer, i - 1, tokens[static_cast<size_t>(i)]));
    targets.back().weight = 1.0 / static_cast<double>(last - first);
  }
  return targets;
}

}  // namespace otoscope::circuits
