#pragma once
/// Two dictionaries side by side by the cosine of their directions, and what chance would give
/// (methods.md §3.6). Directions are rays: -d is another feature than d.

#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/core/tensor.h"

namespace otoscope::features {

/// Unit rows of a dictionary. W: (F, d); features: which, in order. A row of zeros stays zero.
Tensor<float> unit_directions(View<const float> W, std::span<const int64_t> features);

/// For each row its nearest row on the other side and their cosine; ties go to the lower index.
struct Nearest {
  std::vector<int32_t> of_a, of_b;  // (A), (B)
  std::vector<float> cosine_a, cosine_b;
};
/// A: (A, d), B: (B, d), unit rows, both at least one. Memory grows with A + B.
Nearest nearest_directions(View<const float> A, View<const float> B);

/// The assignment of rows of A to rows of B with the largest total |cosine| (arXiv:2505.20254).
struct Assigned {
  std::vector<int64_t> partner;  // (A), -1: none left
  std::vector<float> cosine;     // (A), with its sign; 0 where there is no partner
};
Assigned assign_directions(View<const float> A, View<const float> B);

/// P(cosine of two random unit vectors in d dimensions > t): its square is Beta(1/2, (d - 1)/2).
double random_cosine_above(int64_t d, double t);
/// P(the best of F independent random unit vectors has a cosine > t with a given one).
double random_best_above(int64_t d, int64_t F, double t);
/// Expected cosine with the best of F: about sqrt(2 ln F / d), here by integration.
double random_best_cosine(int64_t d, int64_t F);

/// F random unit vectors of width d, by seed.
Tensor<float> random_directions(int64_t F, int64_t d, uint64_t seed);
/// F random unit vectors whose second moments are those of the rows of `like`: they crowd where
/// that dictionary does, and know nothing else of it.
Tensor<float> random_directions_like(View<const float> like, int64_t F, uint64_t seed);

}  // namespace otoscope::features
