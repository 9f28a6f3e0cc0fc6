#include "otoscope/contexts/importance.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "contexts/standardised.h"
#include "otoscope/contexts/held_out.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::contexts {
namespace {

Tensor<double> products(View<const float> z) {
  const int64_t n = z.shape[0];
  Tensor<float> of(Shape{n, n});
  kernels::gemm({z}, kernels::transposed(z), of.view());
  Tensor<double> gram(Shape{n, n});
  for (int64_t i = 0; i < gram.size(); ++i) gram[i] = static_cast<double>(of[i]);
  return gram;
}

/// Columns in descending order of the difference of means over the items given.
std::vector<int64_t> ranked(View<const float> z, const Design& design,
                            std::span<const int64_t> items) {
  std::vector<double> sum(static_cast<size_t>(z.shape[1]), 0);
  double count[2] = {0, 0};
  for (const int64_t i : items) count[design.context[static_cast<size_t>(i)]] += 1;
  for (const int64_t i : items) {
    const uint8_t which = design.context[static_cast<size_t>(i)];
    const double weight = (which != 0 ? 1 : -1) / std::max(1.0, count[which]);
    for (int64_t j = 0; j < z.shape[1]; ++j)
      sum[static_cast<size_t>(j)] += weight * static_cast<double>(z.at(i, j));
  }
  std::vector<int64_t> order(sum.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return std::fabs(sum[static_cast<size_t>(a)]) > std::fabs(sum[static_cast<size_t>(b)]);
  });
  return order;
}

Tensor<float> columns_of(View<const float> z, std::span<const int64_t> which) {
  Tensor<float> some(Shape{z.shape[0], static_cast<int64_t>(which.size())});
  for (int64_t i = 0; i < z.shape[0]; ++i)
    for (size_t k = 0; k < which.size(); ++k)
      some.at(i, static_cast<int64_t>(k)) = z.at(i, which[k]);
  return some;
}

}  // namespace

std::vector<Carried> carried_by(View<const float> x, const Design& design,
                                std::span<const int64_t> ks, const TestOptions& options) {
  OTO_ASSERT(x.shape[0] == design.n());
  std::vector<Column> kept;
  const Tensor<float> z = standardised(x, kept);
  std::vector<Carried> result;
  for (const int64_t k : ks)
    if (k > 0 && k < z.shape()[1]) result.push_back({k, {}, {}});
  if (result.empty()) return result;
  const Tensor<double> all = products(z.view());
  const auto fold = folds_of(design, options.folds, options.seed);
  const auto n = static_cast<size_t>(design.n());
  std::vector<std::vector<double>> alone(result.size(), std::vector<double>(n, 0)), without = alone;
  const int32_t folds = *std::max_element(fold.begin(), fold.end()) + 1;
  for (int32_t f = 0; f < folds; ++f) {
    throw_if_interrupted();
    std::vector<int64_t> train, test;
    for (size_t i = 0; i < n; ++i) (fold[i] == f ? test : train).push_back(static_cast<int64_t>(i));
    const auto order = ranked(z.view(), design, train);
    for (size_t r = 0; r < result.size(); ++r) {
      const auto best = std::span(order).first(static_cast<size_t>(result[r].columns));
      const Tensor<double> of = products(columns_of(z.view(), best).view());
      Tensor<double> rest(all.shape());
      for (int64_t i = 0; i < rest.size(); ++i) rest[i] = all[i] - of[i];
      const auto scores = scores_of(of, design.context, train, test, options.ridge);
      const auto others = scores_of(rest, design.context, train, test, options.ridge);
      for (size_t t = 0; t < test.size(); ++t) {
        alone[r][static_cast<size_t>(test[t])] = scores[t];
        without[r][static_cast<size_t>(test[t])] = others[t];
      }
    }
  }
  for (size_t r = 0; r < result.size(); ++r) {
    result[r].alone = auroc_of(alone[r], fold, design, options);
    result[r].without = auroc_of(without[r], fold, design, options);
  }
  return result;
}

}  // namespace otoscope::contexts
