#include <algorithm>
#include <cmath>

#include "sae/train/trainee.h"

namespace otoscope::sae {

double rate_at(const TrainOptions& o, int64_t step) {
  const auto steps = static_cast<double>(o.steps), t = static_cast<double>(step);
  const double warm = std::floor(o.warmup * steps), fall = std::floor(o.decay * steps);
  const double up = warm > 0 ? (t + 1) / (warm + 1) : 1.0;
  const double down = fall > 0 ? (steps - t) / (fall + 1) : 1.0;
  return std::clamp(std::min(up, down), 0.0, 1.0);
}

double sparsity_at(const TrainOptions& o, int64_t step) {
  const double warm = std::floor(o.warmup * static_cast<double>(o.steps));
  return warm > 0 ? std::min(1.0, static_cast<double>(step + 1) / (warm + 1)) : 1.0;
}

}  // namespace otoscope::sae
