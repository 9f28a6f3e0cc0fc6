#include "features/intervals.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "otoscope/core/errors.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::features {
namespace {

/// How often each cluster is drawn in each replicate: (R, C).
Tensor<float> multiplicities(int64_t C, int replicates, uint64_t seed) {
  Tensor<float> weights(Shape{replicates, C});
  for (int r = 0; r < replicates; ++r) {
    Rng rng(seed, 0x626f6f74ULL + static_cast<uint64_t>(r));
    for (int64_t draw = 0; draw < C; ++draw)
      weights.at(r, static_cast<int64_t>(rng.below(static_cast<uint64_t>(C)))) += 1;
  }
  return weights;
}

double percentile(std::vector<float>& values, double q) {
  const auto place = std::llround(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + place, values.end());
  return values[static_cast<size_t>(place)];
}

}  // namespace

std::vector<Estimate> bootstrap_ratios(std::span<const float> numerator,
                                       std::span<const float> denominator, int64_t C, int64_t F,
                                       uint64_t seed, int replicates) {
  OTO_ASSERT(static_cast<int64_t>(numerator.size()) == C * F &&
             numerator.size() == denominator.size());
  std::vector<Estimate> estimates(static_cast<size_t>(F));
  if (C == 0) return estimates;
  const Tensor<float> weights = multiplicities(C, replicates, seed);
  Tensor<float> tops(Shape{replicates, F}), bottoms(Shape{replicates, F});
  kernels::gemm({weights.view()}, {View<const float>(numerator.data(), Shape{C, F})}, tops.view());
  kernels::gemm({weights.view()}, {View<const float>(denominator.data(), Shape{C, F})},
                bottoms.view());

  parallel_ranges(F, 64, [&](int64_t begin, int64_t end) {
    std::vector<float> ratios;
    for (int64_t f = begin; f < end; ++f) {
      double top = 0, bottom = 0;
      int64_t clusters = 0;
      for (int64_t c = 0; c < C; ++c) {
        top += numerator[static_cast<size_t>(c * F + f)];
        bottom += denominator[static_cast<size_t>(c * F + f)];
        if (denominator[static_cast<size_t>(c * F + f)] > 0) ++clusters;
      }
      Estimate& estimate = estimates[static_cast<size_t>(f)];
      estimate.n = static_cast<int64_t>(bottom);
      estimate.clusters = clusters;
      estimate.method = "cluster bootstrap, percentile, " + std::to_string(replicates);
      estimate.low = 0, estimate.high = 1;
      if (bottom <= 0) continue;
      estimate.value = top / bottom;
      ratios.clear();
      for (int r = 0; r < replicates; ++r)
        if (bottoms.at(r, f) > 0) ratios.push_back(tops.at(r, f) / bottoms.at(r, f));
      if (clusters < 2 || ratios.empty()) continue;  // one cluster says nothing about others
      estimate.low = percentile(ratios, 0.025);
      estimate.high = percentile(ratios, 0.975);
    }
  });
  return estimates;
}

}  // namespace otoscope::features
