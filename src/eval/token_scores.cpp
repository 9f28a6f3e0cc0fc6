#include "eval/token_scores.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/threads.h"

namespace otoscope::eval {
namespace {

double log_sum_exp(const float* x, int64_t n) {
  const double largest = *std::max_element(x, x + n);
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(x[i] - largest);
  return largest + std::log(sum);
}

}  // namespace

TokenScores score_tokens(View<const float> clean, View<const float> spliced,
                         std::span<const int64_t> tokens, int64_t prompt) {
  const int64_t count = static_cast<int64_t>(tokens.size()) - prompt, V = clean.width();
  OTO_ASSERT(prompt > 0 && count > 0 && clean.rows() >= prompt + count - 1);
  OTO_ASSERT(clean.shape == spliced.shape);
  TokenScores s;
  s.ce.resize(static_cast<size_t>(count));
  s.kl.resize(static_cast<size_t>(count));
  s.agree.resize(static_cast<size_t>(count));
  parallel_ranges(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const float* p = clean.row(prompt - 1 + t);
      const float* q = spliced.row(prompt - 1 + t);
      const double sum_p = log_sum_exp(p, V), sum_q = log_sum_exp(q, V);
      double kl = 0;
      for (int64_t v = 0; v < V; ++v) {
        const double log_p = p[v] - sum_p;
        kl += std::exp(log_p) * (log_p - (q[v] - sum_q));
      }
      const auto i = static_cast<size_t>(t);
      s.ce[i] = sum_q - q[tokens[static_cast<size_t>(prompt + t)]];
      s.kl[i] = std::max(0.0, kl);
      s.agree[i] = std::max_element(p, p + V) - p == std::max_element(q, q + V) - q;
    }
  });
  return s;
}

}  // namespace otoscope::eval
