#include "otoscope/features/counts.h"

#include <cmath>

namespace otoscope::features {
namespace {

double ratio(double top, double bottom) { return bottom > 0 ? top / bottom : 0; }

}  // namespace

double Counts::precision() const {
  return ratio(static_cast<double>(tp), static_cast<double>(fired()));
}
double Counts::recall() const {
  return ratio(static_cast<double>(tp), static_cast<double>(positive()));
}
double Counts::f1() const {
  return ratio(2.0 * static_cast<double>(tp), static_cast<double>(2 * tp + fp + fn));
}
double Counts::prevalence() const {
  return ratio(static_cast<double>(positive()), static_cast<double>(n()));
}
double Counts::all_positive_f1() const {
  const double p = prevalence();
  return ratio(2 * p, 1 + p);
}
double Counts::lift() const { return ratio(precision(), prevalence()); }

double Counts::mcc() const {
  // Four factors of up to 2^31 rows overflow an integer: in double.
  const auto a = static_cast<double>(tp), b = static_cast<double>(fp), c = static_cast<double>(fn),
             d = static_cast<double>(tn);
  return ratio(a * d - b * c,
               std::sqrt(a + b) * std::sqrt(a + c) * std::sqrt(d + b) * std::sqrt(d + c));
}

}  // namespace otoscope::features
