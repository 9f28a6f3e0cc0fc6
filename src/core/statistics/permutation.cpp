#include "otoscope/core/statistics/permutation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/threads.h"

namespace otoscope {
namespace {

constexpr size_t kExactClusters = 20;

/// Equal arrangements may differ by rounding: they count as ties, against the claim.
bool at_least(double drawn, double observed) {
  return drawn >= observed - 1e-12 * std::fabs(observed);
}

/// Counts hits of trial(i) for i in [0, n), the same on any number of threads.
template <class Trial>
int64_t count_hits(int64_t n, int64_t grain, Trial&& trial) {
  std::vector<int64_t> hits(static_cast<size_t>((n + grain - 1) / grain), 0);
  parallel_ranges(n, grain, [&](int64_t chunk, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) hits[static_cast<size_t>(chunk)] += trial(i) ? 1 : 0;
  });
  return std::accumulate(hits.begin(), hits.end(), int64_t{0});
}

/// Indices of p in ascending order of value; ties by index.
std::vector<size_t> ascending(std::span<const double> p) {
  std::vector<size_t> order(p.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] < p[b]; });
  return order;
}

}  // namespace

double sign_flip_p(std::span<const double> cluster_differences, uint64_t seed, int permutations) {
  const size_t n = cluster_differences.size();
  if (n == 0) return 1.0;
  const double observed =
      std::fabs(std::accumulate(cluster_differences.begin(), cluster_differences.end(), 0.0));
  if (n <= kExactClusters) {
    // A pattern and its mirror have the same |sum|: the last sign stays +.
    const int64_t patterns = int64_t{1} << (n - 1);
    const int64_t hits = count_hits(patterns, 4096, [&](int64_t pattern) {
      double sum = 0;
      for (size_t i = 0; i < n; ++i)
        sum += (pattern >> i & 1) != 0 ? -cluster_differences[i] : cluster_differences[i];
      return at_least(std::fabs(sum), observed);
    });
    return static_cast<double>(hits) / static_cast<double>(patterns);
  }
  const int64_t hits = count_hits(permutations, 64, [&](int64_t trial) {
    Rng rng(seed, name_hash("sign flips") + static_cast<uint64_t>(trial));
    double sum = 0;
    uint64_t signs = 0;
    for (size_t i = 0; i < n; ++i) {
      if (i % 64 == 0) signs = rng.bits64();
      sum += (signs >> (i % 64) & 1) != 0 ? -cluster_differences[i] : cluster_differences[i];
    }
    return at_least(std::fabs(sum), observed);
  });
  return (1.0 + static_cast<double>(hits)) / (1.0 + permutations);
}

double group_permutation_p(std::span<const int32_t> group_labels,
                           const std::function<double(std::span<const int32_t>)>& statistic,
                           uint64_t seed, int permutations) {
  OTO_ASSERT(permutations > 0);
  const double observed = statistic(group_labels);
  const int64_t hits = count_hits(permutations, 16, [&](int64_t trial) {
    Rng rng(seed, name_hash("group permutation") + static_cast<uint64_t>(trial));
    std::vector<int32_t> labels(group_labels.begin(), group_labels.end());
    for (size_t i = labels.size(); i-- > 1;) std::swap(labels[i], labels[rng.below(i + 1)]);
    return at_least(statistic(labels), observed);
  });
  return (1.0 + static_cast<double>(hits)) / (1.0 + permutations);
}

std::vector<double> benjamini_hochberg(std::span<const double> p) {
  const auto order = ascending(p);
  const double m = static_cast<double>(p.size());
  std::vector<double> adjusted(p.size());
  double smallest = 1.0;
  for (size_t rank = p.size(); rank-- > 0;) {
    smallest = std::min(smallest, m * p[order[rank]] / static_cast<double>(rank + 1));
    adjusted[order[rank]] = smallest;
  }
  return adjusted;
}

std::vector<double> holm(std::span<const double> p) {
  const auto order = ascending(p);
  std::vector<double> adjusted(p.size());
  double largest = 0.0;
  for (size_t rank = 0; rank < p.size(); ++rank) {
    largest = std::max(largest, static_cast<double>(p.size() - rank) * p[order[rank]]);
    adjusted[order[rank]] = std::min(1.0, largest);
  }
  return adjusted;
}

}  // namespace otoscope
