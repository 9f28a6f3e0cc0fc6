#include <algorithm>
#include <cmath>

#include "otoscope/contexts/tests.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/statistics.h"
#include "otoscope/core/threads.h"

namespace otoscope::contexts {
namespace {

/// Sums over pairs i < j by which contexts they are of.
double unbiased(View<const double> K, std::span<const uint8_t> context) {
  const int64_t n = K.shape[0];
  std::vector<int64_t> ones, zeros;
  for (int64_t i = 0; i < n; ++i)
    (context[static_cast<size_t>(i)] != 0 ? ones : zeros).push_back(i);
  const auto within = [&](const std::vector<int64_t>& items) {
    double sum = 0;
    for (size_t a = 0; a < items.size(); ++a)
      for (size_t b = 0; b < a; ++b) sum += K.at(items[a], items[b]);
    return sum;
  };
  double across = 0;
  for (const int64_t a : ones)
    for (const int64_t b : zeros) across += K.at(a, b);
  const auto n1 = static_cast<double>(ones.size()), n0 = static_cast<double>(zeros.size());
  return 2 * within(ones) / (n1 * (n1 - 1)) + 2 * within(zeros) / (n0 * (n0 - 1)) -
         2 * across / (n1 * n0);
}

Discrepancy::At at_bandwidth(View<const double> squared, double bandwidth, const Design& design,
                             const Exchange& exchange, const TestOptions& options) {
  throw_if_interrupted();
  Tensor<double> K(squared.shape);
  for (int64_t i = 0; i < K.size(); ++i) K[i] = std::exp(-squared[i] / (2 * bandwidth * bandwidth));
  Discrepancy::At at{bandwidth, unbiased(K, design.context), 1};
  std::vector<uint8_t> hit(static_cast<size_t>(options.permutations), 0);
  parallel_ranges(options.permutations, 8, [&](int64_t begin, int64_t end) {
    for (int64_t trial = begin; trial < end; ++trial) {
      const auto context = exchange.draw(options.seed, trial);
      const double value = unbiased(K, context);
      // A draw that leaves a context empty or with one item has no value: against the claim.
      hit[static_cast<size_t>(trial)] = value < at.mmd2 - 1e-12 * std::fabs(at.mmd2) ? 0 : 1;
    }
  });
  const auto hits = std::count(hit.begin(), hit.end(), 1);
  at.p = (1.0 + static_cast<double>(hits)) / (1.0 + options.permutations);
  return at;
}

}  // namespace

Discrepancy mmd_test(View<const double> gram, const Design& design, const TestOptions& options) {
  const int64_t n = design.n();
  OTO_ASSERT(gram.shape[0] == n);
  if (design.n_of(0) < 2 || design.n_of(1) < 2)
    throw UserError("contexts", "expected at least 2 items in each context, got fewer");
  Tensor<double> squared(gram.shape);
  std::vector<double> distances;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      squared.at(i, j) = std::max(0.0, gram.at(i, i) + gram.at(j, j) - 2 * gram.at(i, j));
      if (j < i) distances.push_back(std::sqrt(squared.at(i, j)));
    }
  double median = quantile(std::move(distances), .5);
  if (!(median > 0)) median = 1;  // all items alike: any bandwidth says so
  const Exchange exchange(design);
  Discrepancy result;
  result.half = at_bandwidth(squared, median / 2, design, exchange, options);
  result.median = at_bandwidth(squared, median, design, exchange, options);
  result.twice = at_bandwidth(squared, median * 2, design, exchange, options);
  result.smallest_p = exchange.smallest_p(options.permutations);
  return result;
}

}  // namespace otoscope::contexts
