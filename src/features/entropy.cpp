#include "otoscope/features/entropy.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"

namespace otoscope::features {

double entropy_bits(std::span<const double> counts) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  double sum = 0;
  for (const double count : counts)
    if (count > 0) sum -= count / total * std::log2(count / total);
  return sum;
}

double senses(std::span<const double> counts) { return std::exp2(entropy_bits(counts)); }

double shared_distribution(std::span<const double> a, std::span<const double> b) {
  OTO_ASSERT(a.size() == b.size());
  const double total_a = std::accumulate(a.begin(), a.end(), 0.0),
               total_b = std::accumulate(b.begin(), b.end(), 0.0);
  if (total_a <= 0 || total_b <= 0) return std::numeric_limits<double>::quiet_NaN();
  double divergence = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double p = a[i] / total_a, q = b[i] / total_b, middle = (p + q) / 2;
    if (p > 0) divergence += p * std::log2(p / middle) / 2;
    if (q > 0) divergence += q * std::log2(q / middle) / 2;
  }
  return 1 - divergence;
}

std::vector<double> label_counts(std::span<const int32_t> labels, int64_t values) {
  std::vector<double> counts(static_cast<size_t>(values), 0);
  for (const int32_t label : labels) counts[static_cast<size_t>(label)] += 1;
  return counts;
}

std::vector<int32_t> drawn(std::span<const int32_t> labels, int64_t n, uint64_t seed,
                           uint64_t stream) {
  OTO_ASSERT(n <= static_cast<int64_t>(labels.size()));
  std::vector<int32_t> pool(labels.begin(), labels.end());
  Rng rng(seed, stream);
  for (size_t i = 0; i < static_cast<size_t>(n); ++i)
    std::swap(pool[i], pool[i + rng.below(pool.size() - i)]);
  pool.resize(static_cast<size_t>(n));
  return pool;
}

double senses_at(std::span<const int32_t> labels, int64_t values, int64_t n, int draws,
                 uint64_t seed, uint64_t stream) {
  double sum = 0;
  for (int draw = 0; draw < draws; ++draw)
    sum += entropy_bits(
        label_counts(drawn(labels, n, seed, stream * 64 + static_cast<uint64_t>(draw)), values));
  return std::exp2(sum / draws);
}

}  // namespace otoscope::features
