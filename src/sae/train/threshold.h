#pragma once
/// The exact threshold of a BatchTopK-like SAE after training: theta is the (1 - k/F) quantile of
/// ReLU(z) over given rows, so that k entries a row lie above it on average. No moving average, no
/// dependence on the order of training.

#include <vector>

#include "otoscope/kernels/gemm.h"
#include "otoscope/sae/sae.h"

namespace otoscope::sae {

class ThresholdFinder {
 public:
  /// rows: how many will be added. The SAE and the rows are in the trainer's units.
  ThresholdFinder(const Sae& sae, int64_t k, int64_t rows);
  void add(View<const float> x);
  /// Halfway between the last value that is kept and the first that is not; 0 if all are kept.
  double threshold() const;

 private:
  const Sae& sae_;
  kernels::Linear linear_;
  int64_t wanted_;
  float floor_ = 0;  // smaller values cannot be among the largest any more
  std::vector<float> values_;
};

}  // namespace otoscope::sae
