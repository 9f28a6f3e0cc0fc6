#include "otoscope/contexts/columns.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "contexts/standardised.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/statistics.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::contexts {
namespace {

/// Mean of context 1 minus mean of context 0, as weights of items.
void contrast(std::span<const uint8_t> context, float* weights) {
  const auto ones = static_cast<double>(std::count(context.begin(), context.end(), 1));
  const double zeros = static_cast<double>(context.size()) - ones;
  for (size_t i = 0; i < context.size(); ++i)
    weights[i] = static_cast<float>(context[i] != 0 ? (ones > 0 ? 1 / ones : 0)
                                                    : (zeros > 0 ? -1 / zeros : 0));
}

Estimate interval(View<const float> x, int64_t column, const Design& design,
                  const TestOptions& options) {
  const auto groups = static_cast<size_t>(design.groups);
  std::vector<double> sum[2], count[2];
  for (auto& s : sum) s.assign(groups, 0);
  for (auto& c : count) c.assign(groups, 0);
  for (int64_t i = 0; i < design.n(); ++i) {
    const auto at = static_cast<size_t>(i), g = static_cast<size_t>(design.group[at]);
    sum[design.context[at]][g] += static_cast<double>(x.at(i, column));
    count[design.context[at]][g] += 1;
  }
  return cluster_bootstrap(
      design.groups, design.n(),
      [&](std::span<const int32_t> multiplicity) {
        double s[2] = {0, 0}, c[2] = {0, 0};
        for (size_t g = 0; g < groups; ++g)
          for (const size_t which : {size_t{0}, size_t{1}}) {
            s[which] += multiplicity[g] * sum[which][g];
            c[which] += multiplicity[g] * count[which][g];
          }
        return c[0] > 0 && c[1] > 0 ? s[1] / c[1] - s[0] / c[0]
                                    : std::numeric_limits<double>::quiet_NaN();
      },
      options.seed, options.replicates);
}

}  // namespace

std::vector<ColumnDifference> column_differences(View<const float> x, const Design& design,
                                                 const TestOptions& options, int64_t intervals) {
  OTO_ASSERT(x.shape[0] == design.n());
  std::vector<Column> kept;
  const Tensor<float> z = standardised(x, kept);
  const int64_t n = design.n(), p = static_cast<int64_t>(kept.size()), P = options.permutations;
  if (p == 0) return {};
  const Exchange exchange(design);
  Tensor<float> weights(Shape{P + 1, n});
  contrast(design.context, weights.data());
  for (int64_t trial = 0; trial < P; ++trial)
    contrast(exchange.draw(options.seed, trial), weights.data() + (trial + 1) * n);
  Tensor<float> differences(Shape{P + 1, p});
  throw_if_interrupted();
  kernels::gemm({weights.view()}, {z.view()}, differences.view());

  std::vector<double> deviation(kept.size()), centre(kept.size());
  parallel_ranges(p, 64, [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      double sum = 0, squares = 0;
      for (int64_t t = 1; t <= P; ++t) sum += static_cast<double>(differences.at(t, k));
      const double mean = sum / static_cast<double>(P);
      for (int64_t t = 1; t <= P; ++t) {
        const double centred = static_cast<double>(differences.at(t, k)) - mean;
        squares += centred * centred;
      }
      centre[static_cast<size_t>(k)] = mean;
      deviation[static_cast<size_t>(k)] = std::sqrt(squares / static_cast<double>(P - 1));
    }
  });
  const auto z_of = [&](int64_t t, int64_t k) {
    const auto at = static_cast<size_t>(k);
    return deviation[at] > 0
               ? (static_cast<double>(differences.at(t, k)) - centre[at]) / deviation[at]
               : 0.0;
  };
  std::vector<double> largest(static_cast<size_t>(P), 0);
  parallel_ranges(P, 16, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t)
      for (int64_t k = 0; k < p; ++k)
        largest[static_cast<size_t>(t)] =
            std::max(largest[static_cast<size_t>(t)], std::fabs(z_of(t + 1, k)));
  });
  std::sort(largest.begin(), largest.end());

  // What the arrangements allow, were there endless draws.
  const double least = exchange.smallest_p(std::numeric_limits<int>::max());
  std::vector<ColumnDifference> result(kept.size());
  std::vector<double> ps(kept.size());
  for (int64_t k = 0; k < p; ++k) {
    ColumnDifference& one = result[static_cast<size_t>(k)];
    one.column = kept[static_cast<size_t>(k)].column;
    one.standardised = static_cast<double>(differences.at(0, k));
    one.z = z_of(0, k);
    one.p = std::max(least, std::erfc(std::fabs(one.z) / std::sqrt(2.0)));
    const auto above =
        largest.end() - std::lower_bound(largest.begin(), largest.end(), std::fabs(one.z) - 1e-9);
    one.p_family = (1.0 + static_cast<double>(above)) / (1.0 + static_cast<double>(P));
    ps[static_cast<size_t>(k)] = one.p;
  }
  const auto q = benjamini_hochberg(ps);
  for (size_t k = 0; k < q.size(); ++k) result[k].q = q[k];
  std::stable_sort(result.begin(), result.end(),
                   [](const ColumnDifference& a, const ColumnDifference& b) {
                     return std::fabs(a.z) > std::fabs(b.z);
                   });
  std::vector<double> values(design.context.size());
  for (size_t k = 0; k < result.size() && k < static_cast<size_t>(intervals); ++k) {
    ColumnDifference& one = result[k];
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      values[static_cast<size_t>(i)] = static_cast<double>(x.at(i, one.column));
      if (design.context[static_cast<size_t>(i)] == 0) sum += values[static_cast<size_t>(i)];
    }
    one.first = sum / static_cast<double>(design.n_of(0));
    one.auroc = auroc(values, design.context);
    one.difference = interval(x, one.column, design, options);
  }
  return result;
}

}  // namespace otoscope::contexts
