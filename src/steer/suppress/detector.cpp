#include "otoscope/steer/detector.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "otoscope/core/errors.h"
#include "otoscope/core/statistics.h"
#include "otoscope/core/threads.h"

namespace otoscope::steer {
namespace {

/// Mean log loss with the classes counting the same.
double loss_of(const Logistic& model, std::span<const double> x, size_t p,
               std::span<const uint8_t> y) {
  double sums[2] = {0, 0}, counts[2] = {0, 0};
  for (size_t i = 0; i < y.size(); ++i) {
    const double score = model.score(x.subspan(i * p, p));
    const double margin = y[i] != 0 ? score : -score;
    const int side = y[i] != 0 ? 1 : 0;
    sums[side] +=
        margin > 0 ? std::log1p(std::exp(-margin)) : -margin + std::log1p(std::exp(margin));
    counts[side] += 1;
  }
  return (counts[0] > 0 ? sums[0] / counts[0] : 0) + (counts[1] > 0 ? sums[1] / counts[1] : 0);
}

}  // namespace

Estimate auroc_by_cluster(std::span<const double> scores, std::span<const uint8_t> positive,
                          std::span<const std::string> cluster, uint64_t seed, int replicates) {
  OTO_ASSERT(scores.size() == positive.size() && scores.size() == cluster.size());
  std::map<std::string, size_t> number;
  std::vector<size_t> of;
  for (const std::string& name : cluster)
    of.push_back(number.try_emplace(name, number.size()).first->second);
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a] < scores[b]; });
  const auto statistic = [&](std::span<const int32_t> m) {
    double below = 0, pairs = 0, positives = 0;  // negatives under the present score
    for (size_t i = 0; i < order.size();) {
      double tied_positive = 0, tied_negative = 0;
      size_t j = i;
      for (; j < order.size() && scores[order[j]] == scores[order[i]]; ++j)
        (positive[order[j]] != 0 ? tied_positive : tied_negative) +=
            static_cast<double>(m[of[order[j]]]);
      pairs += tied_positive * (below + tied_negative / 2);
      below += tied_negative;
      positives += tied_positive;
      i = j;
    }
    return positives > 0 && below > 0 ? pairs / (positives * below)
                                      : std::numeric_limits<double>::quiet_NaN();
  };
  return cluster_bootstrap(static_cast<int64_t>(number.size()), static_cast<int64_t>(scores.size()),
                           statistic, seed, replicates);
}

std::vector<RankedFeature> rank_features(View<const float> pooled, std::span<const int64_t> windows,
                                         std::span<const uint8_t> positive, size_t most,
                                         int64_t least) {
  OTO_ASSERT(windows.size() == positive.size());
  const int64_t F = pooled.width();
  std::vector<double> aurocs(static_cast<size_t>(F), .5);
  parallel_ranges(F, 64, [&](int64_t begin, int64_t end) {
    std::vector<double> values(windows.size());
    for (int64_t j = begin; j < end; ++j) {
      int64_t fires = 0;
      for (size_t i = 0; i < windows.size(); ++i) {
        const float value = pooled.at(windows[i], j);
        values[i] = static_cast<double>(value);
        fires += value > 0 ? 1 : 0;
      }
      if (fires >= least) aurocs[static_cast<size_t>(j)] = auroc(values, positive);
    }
  });
  std::vector<RankedFeature> ranked;
  for (int64_t j = 0; j < F; ++j)
    ranked.push_back({static_cast<int32_t>(j), aurocs[static_cast<size_t>(j)]});
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const RankedFeature& a, const RankedFeature& b) {
                     return std::abs(a.auroc - .5) > std::abs(b.auroc - .5);
                   });
  if (ranked.size() > most) ranked.resize(most);
  return ranked;
}

double FeatureDetector::score(std::span<const float> pooled_row) const {
  double sum = model.bias;
  for (size_t j = 0; j < features.size(); ++j)
    sum += model.weights[j] * static_cast<double>(pooled_row[static_cast<size_t>(features[j])]);
  return sum;
}

std::vector<FeatureDetector> fit_features(View<const float> pooled,
                                          std::span<const int64_t> windows,
                                          std::span<const uint8_t> positive,
                                          std::span<const RankedFeature> candidates, size_t k,
                                          double ridge) {
  OTO_ASSERT(windows.size() == positive.size());
  const size_t n = windows.size();
  std::vector<FeatureDetector> found;
  std::vector<int32_t> chosen;
  const auto columns = [&](const std::vector<int32_t>& features) {
    std::vector<double> x;
    x.reserve(n * features.size());
    for (const int64_t window : windows)
      for (const int32_t j : features) x.push_back(static_cast<double>(pooled.at(window, j)));
    return x;
  };
  while (chosen.size() < std::min(k, candidates.size())) {
    std::vector<double> losses(candidates.size(), std::numeric_limits<double>::infinity());
    std::vector<Logistic> models(candidates.size());
    parallel_ranges(static_cast<int64_t>(candidates.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) {
        const auto at = static_cast<size_t>(c);
        const int32_t feature = candidates[at].feature;
        if (std::find(chosen.begin(), chosen.end(), feature) != chosen.end()) continue;
        std::vector<int32_t> with = chosen;
        with.push_back(feature);
        const std::vector<double> x = columns(with);
        models[at] = fit_logistic(x, static_cast<int64_t>(with.size()), positive, ridge);
        losses[at] = loss_of(models[at], x, with.size(), positive);
      }
    });
    const auto best = static_cast<size_t>(
        std::distance(losses.begin(), std::min_element(losses.begin(), losses.end())));
    if (!std::isfinite(losses[best])) break;
    chosen.push_back(candidates[best].feature);
    found.push_back({chosen, models[best]});
  }
  return found;
}

}  // namespace otoscope::steer
