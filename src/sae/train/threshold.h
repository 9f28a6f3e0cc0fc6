#pragma once
/// The exact threshold of a BatchTopK-like SAE after training: theta is the (1 - k/F) quantile of
/// ReLU(z) over given rows, so that k entries a row lie above it on average. No moving average, no
/// dependence on the order of training.

#include <vector>

#include "otoscope/kernels/gemm.h"
#include "otoscope/sae/batches.h"
#include "otoscope/sae/sae.h"

namespace otoscope::sae {

class ThresholdFinder {
 public:
  /// rows: how many will be added. The SAE and the rows are in the trainer's units. source: whose
  /// features are looked at, of how many.
  ThresholdFinder(const Sae& sae, int64_t k, int64_t rows, int64_t source = 0, int64_t sources = 1);
  void add(View<const float> x);
  /// Halfway between the last value that is kept and the first that is not; 0 if all are kept.
  double threshold() const;

 private:
  const Sae& sae_;
  int64_t source_, group_;
  kernels::Linear linear_;
  int64_t wanted_;
  float floor_ = 0;  // smaller values cannot be among the largest any more
  std::vector<float> values_;
};

/// One threshold a source. Rows that were never trained on choose it; without a dev split, the
/// first batches. Rows times `scale` are in the trainer's units.
std::vector<double> find_thresholds(const Sae& sae, int64_t sources, const BatchSource& rows,
                                    int64_t k, double scale, uint64_t seed, int64_t most_rows);
/// The same for every feature of a source.   -> (F)
Tensor<float> by_feature(const Sae& sae, const std::vector<double>& thresholds);

}  // namespace otoscope::sae
