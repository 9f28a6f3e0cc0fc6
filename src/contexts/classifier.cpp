#include <algorithm>
#include <cmath>

#include "contexts/bounded.h"
#include "otoscope/contexts/held_out.h"
#include "otoscope/contexts/tests.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/statistics.h"
#include "otoscope/core/threads.h"

namespace otoscope::contexts {
namespace {

constexpr double kPower = .8416;  // z of 80 %
constexpr double kCriticalLevel = .95;
constexpr int kLeastRounds = 19;  // fewer permutations reach no 5 %

void check(const Design& design, const TestOptions& options) {
  if (options.permutations < kLeastRounds)
    throw UserError("--permutations", "expected at least 19, got fewer",
                    "with n permutations no p is below 1 / (n + 1)");
  const Exchange exchange(design);
  for (const uint8_t which : {uint8_t{0}, uint8_t{1}})
    if (exchange.groups_of(which) + exchange.groups_in_both() < 2)
      throw UserError("contexts",
                      "expected at least 2 independent groups in each context, got " +
                          std::to_string(exchange.groups_of(which) + exchange.groups_in_both()),
                      "no interval and no test can be had of one group; give more speakers, "
                      "prompts or sources");
}

std::vector<int32_t> item_weights(const Design& design, std::span<const int32_t> of_group) {
  std::vector<int32_t> weight(design.group.size());
  for (size_t i = 0; i < weight.size(); ++i)
    weight[i] = of_group[static_cast<size_t>(design.group[i])];
  return weight;
}

/// Of few groups the interval is a t interval, which knows no bounds.
Estimate unbounded_auroc(std::span<const double> scores, std::span<const int32_t> fold,
                         const Design& design, const TestOptions& options) {
  return cluster_bootstrap(
      design.groups, design.n(),
      [&](std::span<const int32_t> multiplicity) {
        return folded_auroc(scores, design.context, fold, item_weights(design, multiplicity));
      },
      options.seed, options.replicates);
}

}  // namespace

double detectable_auroc(double critical, int64_t n0, int64_t n1, double spread) {
  const auto passes = [&](double A) {
    return A - kPower * spread * auroc_standard_error(A, n1, n0) >= critical;
  };
  if (n0 < 1 || n1 < 1 || !(critical < 1) || !passes(1.0)) return 1;
  double low = std::max(.5, critical), high = 1;
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    (passes(middle) ? high : low) = middle;
  }
  return high;
}

Estimate auroc_of(std::span<const double> scores, std::span<const int32_t> fold,
                  const Design& design, const TestOptions& options) {
  return bounded(unbounded_auroc(scores, fold, design, options));
}

Classified classifier_test(View<const double> gram, const Design& design,
                           const TestOptions& options) {
  OTO_ASSERT(gram.shape[0] == design.n());
  check(design, options);
  const HeldOut held_out(gram, folds_of(design, options.folds, options.seed), options.ridge);
  Classified result;
  result.fold = held_out.fold();
  result.scores = held_out.scores(design.context);
  result.permutations = options.permutations;
  result.auroc = unbounded_auroc(result.scores, result.fold, design, options);
  if (!std::isfinite(result.auroc.value))
    throw UserError("contexts", "expected both contexts in one of the folds, got none",
                    "give more groups or fewer --folds");

  throw_if_interrupted();
  const Exchange exchange(design);
  std::vector<double> null(static_cast<size_t>(options.permutations));
  parallel_ranges(options.permutations, 8, [&](int64_t begin, int64_t end) {
    for (int64_t trial = begin; trial < end; ++trial) {
      const auto context = exchange.draw(options.seed, trial);
      const double value = folded_auroc(held_out.scores(context), context, result.fold);
      null[static_cast<size_t>(trial)] = std::isfinite(value) ? value : .5;
    }
  });
  int64_t hits = 0;
  for (const double value : null) hits += value >= result.auroc.value - 1e-12 ? 1 : 0;
  result.p = (1.0 + static_cast<double>(hits)) / (1.0 + options.permutations);
  result.smallest_p = exchange.smallest_p(options.permutations);
  result.critical = quantile(null, kCriticalLevel);

  // How much wider than independent items: by the bootstrap, at least 1.
  const int64_t n0 = design.n_of(0), n1 = design.n_of(1);
  const double independent = auroc_standard_error(result.auroc.value, n1, n0);
  const double seen = (result.auroc.high - result.auroc.low) / (2 * 1.95996);
  const double spread =
      std::isfinite(seen) && independent > 0 ? std::max(1.0, seen / independent) : 1.0;
  result.detectable = detectable_auroc(result.critical, n0, n1, spread);
  result.auroc = bounded(result.auroc);
  return result;
}

Estimate auroc_difference(const Classified& a, const Classified& b, const Design& design,
                          const TestOptions& options) {
  OTO_ASSERT(a.scores.size() == b.scores.size() && a.fold == b.fold);
  Estimate difference = cluster_bootstrap(
      design.groups, design.n(),
      [&](std::span<const int32_t> multiplicity) {
        const auto weight = item_weights(design, multiplicity);
        return folded_auroc(b.scores, design.context, b.fold, weight) -
               folded_auroc(a.scores, design.context, a.fold, weight);
      },
      options.seed, options.replicates);
  difference.method = "paired " + difference.method;
  return difference;
}

}  // namespace otoscope::contexts
