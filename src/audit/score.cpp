#include "otoscope/audit/score.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "otoscope/core/errors.h"
#include "otoscope/core/statistics.h"

namespace otoscope::audit {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

std::vector<size_t> falling(std::span<const double> score) {
  std::vector<size_t> order(score.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return score[a] > score[b]; });
  return order;
}

/// Cases in falling order of score with their clusters, so that a replicate costs one walk.
class Walk {
 public:
  explicit Walk(const Scored& scored) : scored_(scored), order_(falling(scored.score)) {
    std::map<std::string, size_t> number;
    for (const std::string& name : scored.cluster)
      cluster_.push_back(number.try_emplace(name, number.size()).first->second);
    clusters_ = static_cast<int64_t>(number.size());
  }

  template <class Statistic>
  Estimate estimate(const Statistic& statistic, uint64_t seed, int replicates) const {
    return cluster_bootstrap(clusters_, static_cast<int64_t>(scored_.score.size()), statistic, seed,
                             replicates);
  }
  double weight(size_t i, std::span<const int32_t> times) const { return times[cluster_[i]]; }

  /// With ties counting half.
  double auroc(std::span<const double> score, const std::vector<size_t>& order,
               std::span<const int32_t> times) const {
    double over = 0, positives = 0, negatives = 0;  // of what came before: higher scores
    for (size_t i = 0; i < order.size();) {
      double p = 0, n = 0;
      size_t j = i;
      for (; j < order.size() && score[order[j]] == score[order[i]]; ++j)
        (scored_.positive[order[j]] != 0 ? p : n) += weight(order[j], times);
      over += n * (positives + p / 2);
      positives += p, negatives += n;
      i = j;
    }
    return positives > 0 && negatives > 0 ? over / (positives * negatives) : kUnknown;
  }
  double auroc(std::span<const int32_t> times) const { return auroc(scored_.score, order_, times); }

  double precision(std::span<const int32_t> times) const {
    std::vector<double> weights;
    for (size_t i = 0; i < scored_.score.size(); ++i) weights.push_back(weight(i, times));
    return average_precision(scored_.score, scored_.positive, weights);
  }

  double matthews_at(double threshold, std::span<const int32_t> times) const {
    int64_t counts[2][2] = {{0, 0}, {0, 0}};
    for (size_t i = 0; i < scored_.score.size(); ++i)
      counts[scored_.positive[i] != 0 ? 1 : 0][scored_.score[i] > threshold ? 1 : 0] +=
          times[cluster_[i]];
    if (counts[0][0] + counts[0][1] == 0 || counts[1][0] + counts[1][1] == 0) return kUnknown;
    return matthews(counts[1][1], counts[0][1], counts[1][0], counts[0][0]);
  }

 private:
  const Scored& scored_;
  std::vector<size_t> order_, cluster_;
  int64_t clusters_ = 0;
};

}  // namespace

double average_precision(std::span<const double> score, std::span<const uint8_t> positive,
                         std::span<const double> weight) {
  OTO_ASSERT(score.size() == positive.size());
  const auto w = [&](size_t i) { return weight.empty() ? 1.0 : weight[i]; };
  double all = 0;
  for (size_t i = 0; i < score.size(); ++i) all += positive[i] != 0 ? w(i) : 0;
  if (all == 0) return kUnknown;
  const std::vector<size_t> order = falling(score);
  double taken = 0, hits = 0, area = 0;
  for (size_t i = 0; i < order.size();) {
    double gained = 0;
    size_t j = i;
    for (; j < order.size() && score[order[j]] == score[order[i]]; ++j) {
      taken += w(order[j]);
      gained += positive[order[j]] != 0 ? w(order[j]) : 0;
    }
    hits += gained;
    if (taken > 0) area += gained / all * (hits / taken);
    i = j;
  }
  return area;
}

double best_threshold(const Scored& scored) {
  std::vector<double> values = scored.score;
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  double best = values.empty() ? 0 : values[0] - 1, most = -2;
  const auto at = [&](double threshold) {
    int64_t c[2][2] = {{0, 0}, {0, 0}};
    for (size_t i = 0; i < scored.score.size(); ++i)
      ++c[scored.positive[i] != 0 ? 1 : 0][scored.score[i] > threshold ? 1 : 0];
    return matthews(c[1][1], c[0][1], c[1][0], c[0][0]);
  };
  for (size_t i = 0; i + 1 < values.size(); ++i) {
    const double threshold = values[i] + (values[i + 1] - values[i]) / 2;
    if (const double m = at(threshold); m > most) most = m, best = threshold;
  }
  return best;
}

double prevalence_threshold(const Scored& scored) {
  if (scored.score.empty()) return 0;
  const auto positives = std::count_if(scored.positive.begin(), scored.positive.end(),
                                       [](uint8_t p) { return p != 0; });
  std::vector<double> values = scored.score;
  std::sort(values.begin(), values.end(), std::greater<>());
  const auto k = static_cast<size_t>(positives);
  if (k == 0) return values.front();
  if (k == values.size()) return values.back() - 1;
  return values[k] + (values[k - 1] - values[k]) / 2;
}

Score score_of(const Scored& scored, double threshold, uint64_t seed, int replicates) {
  OTO_ASSERT(scored.score.size() == scored.positive.size() &&
             scored.score.size() == scored.cluster.size());
  const Walk walk(scored);
  Score score;
  score.threshold = threshold;
  score.auroc =
      walk.estimate([&](std::span<const int32_t> t) { return walk.auroc(t); }, seed, replicates);
  score.ap = walk.estimate([&](std::span<const int32_t> t) { return walk.precision(t); }, seed,
                           replicates);
  score.mcc = walk.estimate(
      [&](std::span<const int32_t> t) { return walk.matthews_at(threshold, t); }, seed, replicates);
  return score;
}

Estimate auroc_difference(const Scored& a, std::span<const double> b, uint64_t seed,
                          int replicates) {
  OTO_ASSERT(a.score.size() == b.size());
  const Walk walk(a);
  const std::vector<size_t> order = falling(b);
  return walk.estimate(
      [&](std::span<const int32_t> t) { return walk.auroc(t) - walk.auroc(b, order, t); }, seed,
      replicates);
}

AllPositive all_positive(int64_t positives, int64_t n) {
  if (n == 0 || positives == 0) return {};
  const double p = static_cast<double>(positives) / static_cast<double>(n);
  return {p, 2 * p / (p + 1), 0};
}

}  // namespace otoscope::audit
