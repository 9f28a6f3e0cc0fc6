#include "otoscope/core/statistics/hypergeometric.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "otoscope/core/errors.h"

namespace otoscope {
namespace {

/// Probabilities of lowest, lowest + 1, … hits.
struct Hits {
  int64_t lowest = 0;
  std::vector<double> p;
};

/// By the ratio of neighbours in logarithms, so that nothing overflows and no gamma is needed.
Hits hits_of(const Overlap& s) {
  OTO_ASSERT(s.marked >= 0 && s.drawn >= 0 && s.marked <= s.total && s.drawn <= s.total);
  Hits hits{std::max<int64_t>(0, s.marked + s.drawn - s.total), {}};
  const int64_t highest = std::min(s.marked, s.drawn);
  std::vector<double> logs{0};
  for (int64_t k = hits.lowest; k < highest; ++k)
    logs.push_back(logs.back() + std::log(static_cast<double>(s.marked - k)) +
                   std::log(static_cast<double>(s.drawn - k)) -
                   std::log(static_cast<double>(k + 1)) -
                   std::log(static_cast<double>(s.total - s.marked - s.drawn + k + 1)));
  const double most = *std::max_element(logs.begin(), logs.end());
  double sum = 0;
  for (const double one : logs) sum += std::exp(one - most);
  for (const double one : logs) hits.p.push_back(std::exp(one - most) / sum);
  return hits;
}

}  // namespace

double overlap_p(std::span<const Overlap> strata) {
  Hits all{0, {1}};
  int64_t seen = 0;
  for (const Overlap& stratum : strata) {
    const Hits one = hits_of(stratum);
    OTO_ASSERT(stratum.hits >= one.lowest &&
               stratum.hits < one.lowest + static_cast<int64_t>(one.p.size()));
    seen += stratum.hits;
    std::vector<double> sum(all.p.size() + one.p.size() - 1, 0);
    for (size_t i = 0; i < all.p.size(); ++i)
      for (size_t j = 0; j < one.p.size(); ++j) sum[i + j] += all.p[i] * one.p[j];
    all = {all.lowest + one.lowest, std::move(sum)};
  }
  double p = 0;  // the smallest first
  for (auto i = static_cast<int64_t>(all.p.size()) - 1; i >= seen - all.lowest; --i)
    p += all.p[static_cast<size_t>(i)];
  return std::min(1.0, p);
}

}  // namespace otoscope
