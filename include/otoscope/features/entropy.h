#pragma once
/// How mixed a set of labels is (methods.md §4.7, §4.9). Entropies of few counts are too small, and
/// the more so the fewer they are: compare only equal counts.

#include <cstdint>
#include <span>
#include <vector>

namespace otoscope::features {

/// Entropy in bits of a distribution given by counts; 0 where there are none.
double entropy_bits(std::span<const double> counts);
/// 2^H: the effective number of labels.
double senses(std::span<const double> counts);
/// 1 - Jensen-Shannon divergence (base 2) of two distributions given by counts: 1 = the same, 0 =
/// nothing in common. NaN where one has no counts.
double shared_distribution(std::span<const double> a, std::span<const double> b);

/// Labels 0 … values-1 of items, counted.
std::vector<double> label_counts(std::span<const int32_t> labels, int64_t values);
/// `n` of the labels without replacement, by seed and stream. n <= labels.size().
std::vector<int32_t> drawn(std::span<const int32_t> labels, int64_t n, uint64_t seed,
                           uint64_t stream);
/// senses() of `n` of the labels, in the mean of `draws` drawings: 2 to the mean entropy.
double senses_at(std::span<const int32_t> labels, int64_t values, int64_t n, int draws,
                 uint64_t seed, uint64_t stream);

}  // namespace otoscope::features
