#pragma once
/// Small sums that must be exact, and what logit targets read.

#include <span>

#include "otoscope/circuits/trace.h"

namespace otoscope::circuits {

inline double exact_dot(const float* a, const float* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

/// E[token] - E[against], or - the mean of E: the direction of the output stream that a target
/// reads.   E: (V, d) -> (targets, d)
Tensor<float> logit_directions(View<const float> E, std::span<const LogitTarget> targets);

}  // namespace otoscope::circuits
