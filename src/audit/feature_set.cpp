#include "audit/feature_set.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "otoscope/core/statistics.h"

namespace otoscope::audit {
namespace {

constexpr size_t kCandidates = 32;
constexpr double kAsGood = .002;
constexpr double kRidges[] = {1e-3, 1e-2, 1e-1, 1};

}  // namespace

int64_t Labelled::positives() const {
  return std::count_if(positive.begin(), positive.end(), [](uint8_t p) { return p != 0; });
}

View<const float> pooled_of(const steer::Listened& all, size_t sae, steer::Pool pool) {
  const steer::Pooled& pooled = all.pooled[sae];
  return pool == steer::Pool::mean ? pooled.mean.view() : pooled.max.view();
}

std::vector<double> scores_of(const FeatureSet& set, const steer::Listened& all,
                              std::span<const int64_t> rows) {
  const View<const float> pooled = pooled_of(all, set.sae, set.pool);
  std::vector<double> scores;
  for (const int64_t row : rows)
    scores.push_back(set.detector.score({pooled.row(row), static_cast<size_t>(pooled.width())}));
  return scores;
}

FeatureSet choose_set(const steer::Listened& all, std::span<const size_t> saes,
                      const Labelled& train, const Labelled& dev, size_t most) {
  FeatureSet best;
  for (const size_t s : saes)
    for (const steer::Pool pool : {steer::Pool::mean, steer::Pool::max}) {
      const View<const float> pooled = pooled_of(all, s, pool);
      const auto ranked = steer::rank_features(pooled, train.rows, train.positive, kCandidates);
      std::vector<FeatureSet> sizes;
      double top = -1;
      for (const auto& detector :
           steer::fit_features(pooled, train.rows, train.positive, ranked, most)) {
        FeatureSet set{s, pool, detector, 0};
        set.dev_auroc = auroc(scores_of(set, all, dev.rows), dev.positive);
        top = std::max(top, set.dev_auroc);
        sizes.push_back(std::move(set));
      }
      const auto smallest = std::find_if(sizes.begin(), sizes.end(), [&](const FeatureSet& set) {
        return set.dev_auroc >= top - kAsGood;
      });
      if (smallest != sizes.end() && smallest->dev_auroc > best.dev_auroc) best = *smallest;
    }
  return best;
}

FeatureSet fitted_set(const steer::Listened& all, size_t sae, const std::vector<int32_t>& features,
                      const Labelled& train, const Labelled& dev) {
  FeatureSet best;
  for (const steer::Pool pool : {steer::Pool::mean, steer::Pool::max}) {
    const View<const float> pooled = pooled_of(all, sae, pool);
    std::vector<double> x;
    for (const int64_t row : train.rows)
      for (const int32_t j : features) x.push_back(static_cast<double>(pooled.at(row, j)));
    for (const double ridge : kRidges) {
      FeatureSet set{sae, pool, {features, {}}, 0};
      set.detector.model =
          steer::fit_logistic(x, static_cast<int64_t>(features.size()), train.positive, ridge);
      set.dev_auroc = auroc(scores_of(set, all, dev.rows), dev.positive);
      if (set.dev_auroc > best.dev_auroc) best = std::move(set);
    }
  }
  return best;
}

std::vector<std::vector<int32_t>> like_sets(const steer::Listened& all, const FeatureSet& set,
                                            size_t count) {
  const View<const float> mean = pooled_of(all, set.sae, steer::Pool::mean);
  std::vector<double> level(static_cast<size_t>(mean.width()), 0);
  for (int64_t i = 0; i < mean.rows(); ++i)
    for (int64_t j = 0; j < mean.width(); ++j)
      level[static_cast<size_t>(j)] += static_cast<double>(mean.at(i, j));
  std::vector<std::vector<int32_t>> near;  // by feature of the set, the most alike first
  for (const int32_t target : set.features()) {
    const double wanted = std::log(level[static_cast<size_t>(target)] + 1e-12);
    std::vector<std::pair<double, int32_t>> order;
    for (size_t j = 0; j < level.size(); ++j) {
      const auto feature = static_cast<int32_t>(j);
      if (level[j] > 0 &&
          std::find(set.features().begin(), set.features().end(), feature) == set.features().end())
        order.emplace_back(std::abs(std::log(level[j] + 1e-12) - wanted), feature);
    }
    std::sort(order.begin(), order.end());
    near.emplace_back();
    for (const auto& [distance, feature] : order) near.back().push_back(feature);
  }
  std::vector<std::vector<int32_t>> sets(count);
  for (size_t i = 0; i < near.size(); ++i) {
    size_t next = 0;
    for (std::vector<int32_t>& one : sets) {
      // The next most alike that this set has not; two features of the set may be neighbours.
      size_t at = next;
      while (at < near[i].size() && std::find(one.begin(), one.end(), near[i][at]) != one.end())
        ++at;
      if (at < near[i].size()) one.push_back(near[i][at]);
      if (at == next) ++next;
    }
  }
  // An SAE with few live features gives fewer sets.
  std::erase_if(sets, [&](const auto& one) { return one.size() != near.size(); });
  return sets;
}

Labelled resampled(const Labelled& labelled, Rng& rng) {
  std::map<std::string, std::vector<size_t>> members;
  for (size_t i = 0; i < labelled.rows.size(); ++i) members[labelled.cluster[i]].push_back(i);
  std::vector<const std::vector<size_t>*> groups;
  groups.reserve(members.size());
  for (const auto& [name, some] : members) groups.push_back(&some);
  Labelled drawn;
  for (size_t g = 0; g < groups.size(); ++g)
    for (const size_t i : *groups[rng.below(groups.size())]) {
      drawn.rows.push_back(labelled.rows[i]);
      drawn.positive.push_back(labelled.positive[i]);
      drawn.cluster.push_back(labelled.cluster[i]);
    }
  return drawn;
}

}  // namespace otoscope::audit
