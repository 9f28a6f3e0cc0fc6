#include "otoscope/steer/scales.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/statistics.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::steer {
namespace {

constexpr int64_t kBlock = 2048;

/// Positive codes by feature.
class CodeTally {
 public:
  explicit CodeTally(const sae::Sae& sae) : encoder_(sae), values_(static_cast<size_t>(sae.F())) {}

  void add(View<const float> x) {
    encoder_.encode(x, codes_);
    for (size_t e = 0; e < codes_.indices.size(); ++e)
      if (codes_.values[e] > 0)
        values_[static_cast<size_t>(codes_.indices[e])].push_back(codes_.values[e]);
  }

  void finish(const sae::Sae& sae, Scales& scales) {
    for (size_t j = 0; j < values_.size(); ++j) {
      const auto& fired = values_[j];
      double sum = 0;
      for (const float v : fired) sum += v;
      const auto rows = static_cast<double>(scales.rows);
      scales.rate.push_back(static_cast<float>(static_cast<double>(fired.size()) / rows));
      scales.mean.push_back(static_cast<float>(sum / rows));
      scales.p99.push_back(
          fired.empty() ? 0.0F : static_cast<float>(quantile({fired.begin(), fired.end()}, 0.99)));
      const auto f = static_cast<int64_t>(j);
      scales.norms.push_back(
          sae.rescale_by_decoder_norm
              ? 1.0F
              : static_cast<float>(std::sqrt(kernels::squared_norm(
                    View<const float>(sae.W_dec.view().row(f), {sae.d_out()})))));
    }
  }

 private:
  sae::Encoder encoder_;
  SparseRows codes_;
  std::vector<std::vector<float>> values_;
};

/// What features are matched on; the mean of the active codes, not of all.
std::array<double, 3> traits(const Scales& scales, size_t j) {
  const double rate = scales.rate[j];
  return {std::log(rate), std::log(scales.mean[j] / rate), std::log(scales.norms[j])};
}

}  // namespace

std::vector<float> Scales::p99_of(const std::vector<int32_t>& features) const {
  std::vector<float> units;
  units.reserve(features.size());
  for (const int32_t f : features) units.push_back(p99[static_cast<size_t>(f)]);
  return units;
}

Scales measure_scales(const sae::Sae* sae, const store::Store& store, store::Split split,
                      int64_t most, Progress& progress) {
  if (sae != nullptr && sae->d() != store.d())
    throw UserError(store.path().string(),
                    "expected rows of the SAE's width " + std::to_string(sae->d()) + ", got " +
                        std::to_string(store.d()),
                    "the SAE belongs to another site or model");
  const std::vector<int64_t> all = store.rows_of(split);
  if (all.empty()) throw UserError(store.path().string(), "expected rows in this split, got none");
  const auto n = std::min<int64_t>(most, static_cast<int64_t>(all.size()));
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < n; ++i)
    rows.push_back(all[static_cast<size_t>(i * static_cast<int64_t>(all.size()) / n)]);

  Scales scales;
  scales.rows = n;
  std::optional<CodeTally> tally;
  if (sae != nullptr) tally.emplace(*sae);
  std::vector<double> norms;
  progress.start("measuring units", n, "rows");
  for (int64_t first = 0; first < n; first += kBlock) {
    throw_if_interrupted();
    const int64_t end = std::min(n, first + kBlock);
    Tensor<float> x(Shape{end - first, store.d()});
    store.gather({rows.begin() + first, rows.begin() + end}, x);
    for (int64_t r = 0; r < x.shape()[0]; ++r)
      norms.push_back(std::sqrt(kernels::squared_norm({x.view().row(r), {store.d()}})));
    if (tally) tally->add(x);
    progress.advance(end);
  }
  progress.finish();
  scales.median_norm = quantile(std::move(norms), 0.5);
  if (tally) tally->finish(*sae, scales);
  return scales;
}

std::vector<int32_t> matched_features(const Scales& scales, const std::vector<int32_t>& target,
                                      int count) {
  std::vector<int32_t> live;
  for (size_t j = 0; j < scales.rate.size(); ++j)
    if (scales.rate[j] > 0 && scales.norms[j] > 0) live.push_back(static_cast<int32_t>(j));
  if (live.empty()) return {};
  std::array<double, 3> centre{}, mean{}, spread{};
  for (const int32_t j : live)
    for (size_t k = 0; k < 3; ++k)
      mean[k] += traits(scales, static_cast<size_t>(j))[k] / static_cast<double>(live.size());
  for (const int32_t j : live)
    for (size_t k = 0; k < 3; ++k)
      spread[k] += std::pow(traits(scales, static_cast<size_t>(j))[k] - mean[k], 2) /
                   static_cast<double>(live.size());
  size_t counted = 0;
  for (const int32_t j : target) {
    const auto f = static_cast<size_t>(j);
    if (!(scales.rate[f] > 0) || !(scales.norms[f] > 0)) continue;
    ++counted;
    for (size_t k = 0; k < 3; ++k) centre[k] += traits(scales, f)[k];
  }
  if (counted == 0) return {};
  for (double& c : centre) c /= static_cast<double>(counted);

  std::vector<std::pair<double, int32_t>> ranked;
  for (const int32_t j : live) {
    if (std::find(target.begin(), target.end(), j) != target.end()) continue;
    const auto t = traits(scales, static_cast<size_t>(j));
    double distance = 0;
    for (size_t k = 0; k < 3; ++k)
      if (spread[k] > 1e-12) distance += std::pow(t[k] - centre[k], 2) / spread[k];
    ranked.emplace_back(distance, j);
  }
  std::sort(ranked.begin(), ranked.end());
  if (static_cast<int>(ranked.size()) > count) ranked.resize(static_cast<size_t>(count));
  std::vector<int32_t> chosen;
  for (const auto& [distance, j] : ranked) chosen.push_back(j);
  return chosen;
}

}  // namespace otoscope::steer
