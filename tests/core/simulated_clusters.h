#pragma once
/// Simulated studies for the tests of intervals.

#include <cstdint>
#include <vector>

#include "otoscope/core/rng.h"
#include "otoscope/core/statistics/bootstrap.h"

namespace otoscope::testing {

/// Clusters with an effect of their own: items inside one are alike. The true ratio is 2.
struct Clusters {
  std::vector<double> numerator, denominator;
  int64_t items = 0;
};

inline Clusters simulate(int64_t clusters, uint64_t seed) {
  Rng rng(seed, "clusters");
  Clusters made;
  for (int64_t c = 0; c < clusters; ++c) {
    const double size = 5 + static_cast<double>(rng.below(10)), effect = rng.normal();
    double sum = 0;
    for (int i = 0; i < static_cast<int>(size); ++i) sum += 2 + effect + .5 * rng.normal();
    made.numerator.push_back(sum);
    made.denominator.push_back(size);
    made.items += static_cast<int64_t>(size);
  }
  return made;
}

/// Of `runs` simulated studies, how often the interval holds the truth.
inline double coverage(int64_t clusters, int runs, int replicates) {
  int held = 0;
  for (int run = 0; run < runs; ++run) {
    const Clusters c = simulate(clusters, 1000 + static_cast<uint64_t>(run));
    const Estimate e = bootstrap_ratio(c.numerator, c.denominator, c.items, 7, replicates);
    held += e.low <= 2 && 2 <= e.high ? 1 : 0;
  }
  return static_cast<double>(held) / runs;
}

}  // namespace otoscope::testing
