#pragma once
/// The weight of an L1 penalty, led so that the L0 of training comes to a target: which weight that
/// takes depends on the site, the width and the length of the run, so no constant fits unattended.

#include <cstdint>
#include <vector>

namespace otoscope::sae {

class L0Control {
 public:
  L0Control(double target, double start) : target_(target), start_(start) {}
  /// The penalty's weight.
  double weight() const;
  /// The L0 of the step just made.
  void see(double l0);

  /// All that a resumed run needs.
  std::vector<int64_t> state() const;
  /// False where this is no state.
  bool restore(const std::vector<int64_t>& state);

 private:
  double target_, start_;
  double log_scale_ = 0;  // log(weight / start)
  double error_ = 0;      // log(L0 / target), smoothed
  bool seen_ = false;
};

}  // namespace otoscope::sae
