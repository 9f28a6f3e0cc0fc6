#include "features/decompose/parts.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "otoscope/core/threads.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::features {
namespace {

float threshold_of(const UnitParts& unit, View<const float> signals,
                   const FeaturePostings& postings) {
  double count = 0;
  for (const Part& part : unit.parts)
    count +=
        static_cast<double>(postings.count(part.feature)) / static_cast<double>(unit.parts.size());
  std::vector<float> column(static_cast<size_t>(signals.rows()));
  for (int64_t b = 0; b < signals.rows(); ++b)
    column[static_cast<size_t>(b)] = signals.at(b, unit.unit);
  const auto place = static_cast<std::ptrdiff_t>(
      std::clamp<double>(std::round(count), 1, static_cast<double>(column.size() - 1)));
  std::nth_element(column.begin(), column.begin() + place, column.end(), std::greater<>());
  return column[static_cast<size_t>(place)];
}

}  // namespace

std::vector<size_t> largest(std::span<const double> values, size_t count) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  count = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                    [&](size_t a, size_t b) {
                      return values[a] > values[b] || (values[a] == values[b] && a < b);
                    });
  order.resize(count);
  return order;
}

std::vector<int64_t> features_of(const UnitParts& unit) {
  std::vector<int64_t> features;
  for (const Part& part : unit.parts) features.push_back(part.feature);
  return features;
}

std::vector<UnitParts> choose_parts(const sae::Sae& sae, const UnitGroup& group,
                                    const UnitMoments& learning, const FeaturePostings& postings,
                                    int top) {
  const int64_t F = sae.F(), U = group.units();
  Tensor<float> along(Shape{F, U});
  kernels::gemm({sae.W_dec}, kernels::transposed(group.read), along);
  std::vector<UnitParts> units(static_cast<size_t>(U));
  parallel_ranges(U, 16, [&](int64_t begin, int64_t end) {
    std::vector<double> shares(static_cast<size_t>(F));
    for (int64_t u = begin; u < end; ++u) {
      UnitParts& unit = units[static_cast<size_t>(u)];
      unit.unit = u;
      const double variance = learning.variance[static_cast<size_t>(u)];
      // Only features that raise the unit: one that holds it down in silence shares its variance
      // too, but is nothing that the unit answers to.
      for (int64_t f = 0; f < F; ++f)
        shares[static_cast<size_t>(f)] =
            variance > 0 && postings.count(f) > 0 && along.at(f, u) > 0
                ? static_cast<double>(along.at(f, u)) * learning.covariance.at(f, u) / variance
                : 0;
      for (const size_t f : largest(shares, static_cast<size_t>(top)))
        if (shares[f] > 0) {
          Part part;
          part.feature = static_cast<int64_t>(f), part.share = shares[f];
          unit.parts.push_back(part);
        }
    }
  });
  return units;
}

void set_thresholds(View<const float> signals, const FeaturePostings& postings,
                    std::vector<UnitParts>& units) {
  parallel_ranges(static_cast<int64_t>(units.size()), 8, [&](int64_t begin, int64_t end) {
    for (int64_t u = begin; u < end; ++u) {
      UnitParts& unit = units[static_cast<size_t>(u)];
      if (!unit.parts.empty()) unit.threshold = threshold_of(unit, signals, postings);
    }
  });
}

void add_test_shares(const sae::Sae& sae, const UnitGroup& group, const UnitMoments& test,
                     std::vector<UnitParts>& units) {
  for (UnitParts& unit : units)
    for (Part& part : unit.parts) {
      double along = 0;
      const float *d = sae.W_dec.view().row(part.feature), *w = group.read.view().row(unit.unit);
      for (int64_t i = 0; i < sae.d_out(); ++i) along += static_cast<double>(d[i]) * w[i];
      const double variance = test.variance[static_cast<size_t>(unit.unit)];
      part.test_share =
          variance > 0 ? along * test.covariance.at(part.feature, unit.unit) / variance : 0;
      unit.test_share += part.test_share;
    }
}

}  // namespace otoscope::features
