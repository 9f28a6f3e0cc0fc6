#include "otoscope/contexts/match.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "otoscope/core/errors.h"

namespace otoscope::contexts {

std::vector<int64_t> matched_pairs(View<const float> nuisances, const Design& design,
                                   double caliper) {
  const int64_t n = nuisances.shape[0], p = nuisances.shape[1];
  OTO_ASSERT(n == design.n());
  std::vector<double> scale(static_cast<size_t>(p), 0);  // 1 / deviation, 0 of constants
  for (int64_t j = 0; j < p; ++j) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(nuisances.at(i, j));
    for (int64_t i = 0; i < n; ++i) {
      const double centred = static_cast<double>(nuisances.at(i, j)) - sum / static_cast<double>(n);
      squares += centred * centred;
    }
    if (squares > 0)
      scale[static_cast<size_t>(j)] = 1 / std::sqrt(squares / static_cast<double>(n));
  }
  std::vector<std::tuple<double, int64_t, int64_t>> near;
  for (int64_t a = 0; a < n; ++a) {
    if (design.context[static_cast<size_t>(a)] != 0) continue;
    for (int64_t b = 0; b < n; ++b) {
      if (design.context[static_cast<size_t>(b)] == 0) continue;
      double distance = 0;
      bool within = true;
      for (int64_t j = 0; j < p && within; ++j) {
        const double apart = std::fabs(static_cast<double>(nuisances.at(a, j)) -
                                       static_cast<double>(nuisances.at(b, j))) *
                             scale[static_cast<size_t>(j)];
        within = apart <= caliper;
        distance += apart * apart;
      }
      if (within) near.emplace_back(distance, a, b);
    }
  }
  std::sort(near.begin(), near.end());
  std::vector<uint8_t> taken(static_cast<size_t>(n), 0);
  std::vector<int64_t> places;
  for (const auto& [distance, a, b] : near) {
    if (taken[static_cast<size_t>(a)] != 0 || taken[static_cast<size_t>(b)] != 0) continue;
    taken[static_cast<size_t>(a)] = taken[static_cast<size_t>(b)] = 1;
    places.push_back(a);
    places.push_back(b);
  }
  return places;
}

}  // namespace otoscope::contexts
