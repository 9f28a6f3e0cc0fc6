#pragma once
/// Nulls by exchange of clusters, and corrections for many tests (methods.md §10.3, §10.4).

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace otoscope {

/// Two-sided p of a paired permutation test by sign flips of cluster differences: exact to 20
/// clusters, else `permutations` random flips with p = (1 + hits)/(1 + P).
double sign_flip_p(std::span<const double> cluster_differences, uint64_t seed,
                   int permutations = 9999);

/// Group permutation: labels permuted over whole groups; statistic(labels of the groups) larger =
/// more extreme; called from several threads at once. p = (1 + hits)/(1 + P).
double group_permutation_p(std::span<const int32_t> group_labels,
                           const std::function<double(std::span<const int32_t>)>& statistic,
                           uint64_t seed, int permutations = 999);

/// Benjamini-Hochberg: adjusted p-values in the order given (false discovery rate).
std::vector<double> benjamini_hochberg(std::span<const double> p);
/// Holm: adjusted p-values in the order given (family-wise error).
std::vector<double> holm(std::span<const double> p);

}  // namespace otoscope
