#pragma once
/// Directions that are no features: rivals and controls of an edit (methods.md §5.5).

#include <cstdint>
#include <span>
#include <vector>

#include "otoscope/eval/pca.h"
#include "otoscope/store/store.h"

namespace otoscope::steer {

/// Principal components of at most `rows` training rows.
eval::Pca site_pca(const store::Store& store, int64_t rows = 8192);

/// Gaussian directions, unit norm.
std::vector<std::vector<float>> random_directions(int64_t d, int count, uint64_t seed);

/// Gaussian directions within the first `components` principal ones: where the rows are, unlike
/// directions of the whole space.
std::vector<std::vector<float>> random_principal_directions(const eval::Pca& pca, int components,
                                                            int count, uint64_t seed);

/// A linear probe of the difference of two means: (S + ridge I)^-1 difference, S the covariance of
/// rows, ridge a hundredth of their mean variance (Fisher's discriminant, shrunk). Unit norm.
std::vector<float> probe_direction(const eval::Pca& pca, std::span<const float> difference);

}  // namespace otoscope::steer
