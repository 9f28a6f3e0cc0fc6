#include "sae/train/threshold.h"

#include <algorithm>
#include <functional>

namespace otoscope::sae {

ThresholdFinder::ThresholdFinder(const Sae& sae, int64_t k, int64_t rows, int64_t source,
                                 int64_t sources)
    : sae_(sae),
      source_(source),
      group_(sae.F() / sources),
      linear_(sae.W_enc.view().slice(source * group_, (source + 1) * group_),
              sae.b_enc.view().slice(source * group_, (source + 1) * group_)),
      wanted_(k * rows) {}

void ThresholdFinder::add(View<const float> x) {
  auto xc = Tensor<float>::uninitialized({x.rows(), sae_.d()});
  for (int64_t b = 0; b < x.rows(); ++b)
    std::copy_n(x.row(b) + source_ * sae_.d(), sae_.d(), xc.view().row(b));
  if (sae_.apply_b_dec_to_input)
    for (int64_t b = 0; b < x.rows(); ++b)
      for (int64_t i = 0; i < sae_.d(); ++i) xc.at(b, i) -= sae_.b_dec[i];
  auto pre = Tensor<float>::uninitialized({x.rows(), group_});
  linear_.forward(xc, pre);
  for (int64_t i = 0; i < pre.size(); ++i)
    if (pre[i] > floor_) values_.push_back(pre[i]);
  // One more than wanted is kept: the first value below the threshold.
  const int64_t keep = wanted_ + 1;
  if (static_cast<int64_t>(values_.size()) > 2 * keep) {
    std::nth_element(values_.begin(), values_.begin() + (keep - 1), values_.end(),
                     std::greater<>());
    values_.resize(static_cast<size_t>(keep));
    floor_ = values_.back();
  }
}

double ThresholdFinder::threshold() const {
  if (static_cast<int64_t>(values_.size()) <= wanted_) return 0.0;
  std::vector<float> sorted = values_;
  std::nth_element(sorted.begin(), sorted.begin() + wanted_, sorted.end(), std::greater<>());
  const float below = sorted[static_cast<size_t>(wanted_)];
  const float least = *std::min_element(sorted.begin(), sorted.begin() + wanted_);
  return (static_cast<double>(below) + least) / 2;
}

std::vector<double> find_thresholds(const Sae& sae, int64_t sources, const BatchSource& source,
                                    int64_t k, double scale, uint64_t seed, int64_t most_rows) {
  constexpr int64_t kBlock = 1024;
  const int64_t dev = std::min(source.dev_rows(), most_rows);
  const int64_t rows = dev > 0 ? dev : std::min<int64_t>(16 * kBlock, source.rows());
  std::vector<ThresholdFinder> finders;
  for (int64_t s = 0; s < sources; ++s) finders.emplace_back(sae, k, rows, s, sources);
  Tensor<float> x({kBlock, source.d()});
  for (int64_t first = 0, i = 0; first < rows; first += kBlock, ++i) {
    const View<float> block = x.view().slice(0, std::min(kBlock, rows - first));
    if (dev > 0)
      source.dev(first, block);
    else
      source.batch(seed, i, block);
    for (int64_t j = 0; j < block.size(); ++j) block[j] = static_cast<float>(block[j] * scale);
    for (ThresholdFinder& finder : finders) finder.add(block);
  }
  std::vector<double> thresholds;
  for (const ThresholdFinder& finder : finders) thresholds.push_back(finder.threshold());
  return thresholds;
}

Tensor<float> by_feature(const Sae& sae, const std::vector<double>& thresholds) {
  Tensor<float> all(Shape{sae.F()});
  const int64_t group = sae.F() / static_cast<int64_t>(thresholds.size());
  for (int64_t f = 0; f < sae.F(); ++f)
    all[f] = static_cast<float>(thresholds[static_cast<size_t>(f / group)]);
  return all;
}

}  // namespace otoscope::sae
