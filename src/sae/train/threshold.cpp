#include "sae/train/threshold.h"

#include <algorithm>
#include <functional>

namespace otoscope::sae {

ThresholdFinder::ThresholdFinder(const Sae& sae, int64_t k, int64_t rows)
    : sae_(sae), linear_(sae.W_enc.view(), sae.b_enc.view()), wanted_(k * rows) {}

void ThresholdFinder::add(View<const float> x) {
  Tensor<float> xc = Tensor<float>::copy_of(x);
  if (sae_.apply_b_dec_to_input)
    for (int64_t b = 0; b < x.rows(); ++b)
      for (int64_t i = 0; i < x.width(); ++i) xc.at(b, i) -= sae_.b_dec[i];
  auto pre = Tensor<float>::uninitialized({x.rows(), sae_.F()});
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

}  // namespace otoscope::sae
