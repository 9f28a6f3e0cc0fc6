#pragma once
/// Axes, ticks and legend of every chart.

#include <cmath>
#include <string>
#include <vector>

#include "serve/chart.h"

namespace otoscope::serve {

inline constexpr double kWidth = 640, kHeight = 320, kLeft = 62, kRight = 16, kTop = 30,
                        kBottom = 46;

/// A pixel place as text.
std::string num(double value);

/// Data values -> pixels along one axis.
class Scale {
 public:
  Scale(const Axis& axis, double from, double to) : axis_(axis), from_(from), to_(to) {}
  void include(double value);
  void settle();
  bool shows(double value) const { return std::isfinite(value) && (!axis_.log || value > 0); }
  double operator()(double value) const;
  std::vector<double> ticks() const;

 private:
  Axis axis_;
  double from_, to_, low_ = INFINITY, high_ = -INFINITY;
};

/// <svg> with title, grid, ticks and axis labels; the caller draws and closes it.
std::string frame(const std::string& title, const Scale& sx, const Scale& sy, const Axis& x,
                  const Axis& y, double height);

/// "s0" … "s7": the colours of the style sheet, in turn.
std::string series_class(size_t i);
std::string legend(const std::vector<Series>& series);

}  // namespace otoscope::serve
