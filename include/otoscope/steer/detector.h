#pragma once
/// Telling windows apart by what is pooled over them: features of SAEs, raw activations, and what
/// needs no look inside. Fitted on train, sized on dev, reported on test.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "otoscope/core/statistics/estimate.h"
#include "otoscope/model/hook.h"
#include "otoscope/sae/sae.h"
#include "otoscope/steer/condition.h"

namespace otoscope::steer {

/// One site over n windows. Encoder: frames that carry audio. Decoder: places before any text, the
/// prompt's and that of the first timestamp. A window without such rows is all zeros.
struct Pooled {
  Tensor<float> mean, max;  // (n, F), of the SAE's features
  Tensor<float> dense;      // (n, d), mean of raw activations
};

/// Pools a row site into rows of `into`: item i of a batch goes to row i - first. At a decoder site
/// each item is decoded once, cached. Borrows both.
class PoolHook : public model::Hook {
 public:
  PoolHook(const model::Site& site, const sae::Sae& sae, Pooled& into, int64_t first = 0);
  ~PoolHook() override;
  model::Want ask(const model::Site& site) override;
  void observe(const model::Site& site, const model::Rows& rows, View<const float> x) override;

 private:
  model::Site site_;
  std::unique_ptr<sae::Encoder> encoder_;
  void add(int64_t at, View<const float> part);

  Pooled& into_;
  int64_t first_;
  std::vector<int64_t> seen_;  // places of each row so far
};
/// n windows of zeros.
Pooled make_pooled(const sae::Sae& sae, int64_t n);

/// Logistic regression with weights on standardised columns kept small (ridge), classes weighted
/// to count the same, by Newton's method (Hastie et al., The Elements of Statistical Learning,
/// §4.4.1). x: (n, p) row by row. Weights and bias are in the columns' own units.
struct Logistic {
  std::vector<double> weights;
  double bias = 0;
  double score(std::span<const double> x) const;
};
Logistic fit_logistic(std::span<const double> x, int64_t p, std::span<const uint8_t> y,
                      double ridge);

/// AUROC with its interval, clusters resampled; replicates in which a class is missing are left
/// out.
Estimate auroc_by_cluster(std::span<const double> scores, std::span<const uint8_t> positive,
                          std::span<const std::string> cluster, uint64_t seed,
                          int replicates = 1000);

/// Features in the order of |AUROC - 1/2| on the windows given, at most `most`. Features that fire
/// in fewer than `least` windows are passed over. pooled: (n, F).
struct RankedFeature {
  int32_t feature = 0;
  double auroc = .5;
};
std::vector<RankedFeature> rank_features(View<const float> pooled, std::span<const int64_t> windows,
                                         std::span<const uint8_t> positive, size_t most,
                                         int64_t least = 10);

/// k features by greedy forward choice among `candidates`: each next one is that with which the
/// logistic regression has the smallest loss on the windows given. Result i has i + 1 features.
struct FeatureDetector {
  std::vector<int32_t> features;
  Logistic model;
  double score(std::span<const float> pooled_row) const;  // (F)
};
std::vector<FeatureDetector> fit_features(View<const float> pooled,
                                          std::span<const int64_t> windows,
                                          std::span<const uint8_t> positive,
                                          std::span<const RankedFeature> candidates, size_t k,
                                          double ridge = 1e-3);

}  // namespace otoscope::steer
