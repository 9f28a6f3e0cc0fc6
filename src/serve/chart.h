#pragma once
/// Plots as SVG text: no script, no network, colours from the page's style sheet so that they
/// follow light and dark. Points that are not finite are left out.

#include <string>
#include <vector>

namespace otoscope::serve {

struct Axis {
  std::string label;
  bool log = false;
};

struct Series {
  std::string name;
  std::vector<double> x, y;
};

/// Lines, one per series, with a legend below.
std::string line_chart(const std::string& title, const std::vector<Series>& series, const Axis& x,
                       const Axis& y);

/// Dots with their names beside them.
std::string dot_chart(const std::string& title, const std::vector<Series>& points, const Axis& x,
                      const Axis& y);

/// A response to a dose, with its interval (not finite: none).
struct Response {
  double dose, value, low, high;
};
/// control: grey dots, under the others.
enum class Drawn { line, dots, control };
struct ResponseCurve {
  std::string name;
  std::vector<Response> points;
  Drawn drawn = Drawn::line;
};
std::string response_chart(const std::string& title, const std::vector<ResponseCurve>& curves,
                           const Axis& x, const Axis& y);

/// One row per name: a dot at the value, a line from low to high.
struct IntervalRow {
  std::string name;
  double value, low, high;
};
std::string interval_chart(const std::string& title, const std::vector<IntervalRow>& rows,
                           const Axis& x);

/// The width of a share's bar, "42.0%"; of what is no share in [0, 1] that of the nearest.
std::string share_width(double share);

}  // namespace otoscope::serve
