#include "sae/train/l0_control.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace otoscope::sae {
namespace {

constexpr double kRate = 0.01;   // of log weight a step, at most
constexpr double kLead = 60;     // steps that the trend is taken ahead
constexpr double kSmooth = 0.1;  // of the new step's error in the smoothed one
constexpr double kLargest = 6;   // e^6 = 400 times the start, or a 400th

}  // namespace

double L0Control::weight() const { return start_ * std::exp(log_scale_); }

/// Integral control in the log of the weight, of the error as it will be: L0 answers a change only
/// after some tens of steps, and a weight that is too large for so long silences features for good.
void L0Control::see(double l0) {
  const double now = std::log(std::max(l0, 1e-3) / target_);
  const double before = seen_ ? error_ : now;
  error_ = seen_ ? (1 - kSmooth) * error_ + kSmooth * now : now;
  seen_ = true;
  log_scale_ += kRate * std::tanh(error_ + kLead * (error_ - before));
  log_scale_ = std::clamp(log_scale_, -kLargest, kLargest);
}

std::vector<int64_t> L0Control::state() const {
  return {std::bit_cast<int64_t>(log_scale_), std::bit_cast<int64_t>(error_), seen_ ? 1 : 0};
}

bool L0Control::restore(const std::vector<int64_t>& state) {
  if (state.size() != 3) return false;
  const auto scale = std::bit_cast<double>(state[0]), error = std::bit_cast<double>(state[1]);
  if (!(std::fabs(scale) <= kLargest) || !std::isfinite(error)) return false;
  log_scale_ = scale, error_ = error, seen_ = state[2] != 0;
  return true;
}

}  // namespace otoscope::sae
