#pragma once
/// Where training starts: the scale of the data and the first weights (methods.md §2.1).

#include "otoscope/sae/train.h"

namespace otoscope::sae {

/// What the data say before the first step, the same for all SAEs that share an order of rows.
struct DataStart {
  double s_in = 1, s_out = 1;                 // x := s x gives E||x||^2 = d
  std::vector<double> median_in, median_out;  // geometric medians, scaled
  Tensor<float> x, y;                         // a first sample, scaled
};
DataStart measure(const TrainData& data, uint64_t seed, int64_t batch);

/// Tied unit-norm directions, b_dec the geometric median, encoder scaled so that the first
/// reconstructions have the norm of the data. A transcoder's encoder and decoder are untied, its
/// encoder sees x less its median, its skip starts at 0. A crosscoder is tied and sees x less its
/// median.
Sae initial_sae(const TrainOptions& options, const DataStart& start, const TrainData& data);
/// Weights with the names and scales of their sites.
Joint joint_of(Sae sae, const TrainData& data);

}  // namespace otoscope::sae
