#pragma once
/// A binary firing against a binary label (methods.md §4.3).

#include <cstdint>

namespace otoscope::features {

struct Counts {
  int64_t tp = 0, fp = 0, fn = 0, tn = 0;

  int64_t n() const { return tp + fp + fn + tn; }
  int64_t fired() const { return tp + fp; }
  int64_t positive() const { return tp + fn; }
  /// Each is 0 where its denominator is.
  double precision() const;
  double recall() const;
  double f1() const;
  double prevalence() const;
  /// F1 of firing everywhere: what F1 has to be read beside.
  double all_positive_f1() const;
  double lift() const;  // precision / prevalence
  double mcc() const;
};

}  // namespace otoscope::features
