#pragma once
/// Activations with a known dictionary: sparse positive sums of unit directions, plus an offset.

#include <algorithm>
#include <cmath>

#include "otoscope/core/rng.h"
#include "otoscope/core/tensor.h"

namespace otoscope::testing {

struct Planted {
  Tensor<float> directions;  // (N, d)
  Tensor<float> x;           // (rows, d)
};

inline Planted plant(int64_t rows, int64_t d, int64_t N, int64_t active, uint64_t seed) {
  Rng rng(seed, "planted dictionary");
  Planted p{Tensor<float>(Shape{N, d}), Tensor<float>(Shape{rows, d})};
  for (int64_t f = 0; f < N; ++f) {
    double norm = 0;
    for (int64_t i = 0; i < d; ++i) {
      p.directions.at(f, i) = static_cast<float>(rng.normal());
      norm += std::pow(p.directions.at(f, i), 2);
    }
    for (int64_t i = 0; i < d; ++i) p.directions.at(f, i) /= static_cast<float>(std::sqrt(norm));
  }
  for (int64_t b = 0; b < rows; ++b) {
    for (int64_t i = 0; i < d; ++i) p.x.at(b, i) = 0.5f * static_cast<float>(i % 3);
    for (int64_t n = 0; n < active; ++n) {
      const auto f = static_cast<int64_t>(rng.below(static_cast<uint64_t>(N)));
      const auto size = static_cast<float>(rng.uniform(2.0, 4.0));
      for (int64_t i = 0; i < d; ++i) p.x.at(b, i) += size * p.directions.at(f, i);
    }
  }
  return p;
}

/// Mean over true directions of the best cosine that a decoder row has with it.
inline double recovery(const Planted& p, const Tensor<float>& W_dec) {
  double total = 0;
  const int64_t N = p.directions.shape()[0], d = p.directions.shape()[1];
  for (int64_t f = 0; f < N; ++f) {
    double best = 0;
    for (int64_t j = 0; j < W_dec.shape()[0]; ++j) {
      double dot = 0, norm = 0;
      for (int64_t i = 0; i < d; ++i) {
        dot += p.directions.at(f, i) * W_dec.at(j, i);
        norm += W_dec.at(j, i) * W_dec.at(j, i);
      }
      best = std::max(best, norm > 0 ? dot / std::sqrt(norm) : 0.0);
    }
    total += best / static_cast<double>(N);
  }
  return total;
}

}  // namespace otoscope::testing
