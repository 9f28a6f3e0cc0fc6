#include "serve/chart.h"

#include <algorithm>

#include "otoscope/core/markup.h"
#include "serve/chart_frame.h"

namespace otoscope::serve {
namespace {

/// What fits beside an interval chart, whole characters of UTF-8.
std::string shortened(const std::string& name) {
  constexpr size_t kLongest = 50;
  if (name.size() <= kLongest) return name;
  size_t end = kLongest;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0U) == 0x80U) --end;
  return name.substr(0, end) + "…";
}

}  // namespace

std::string line_chart(const std::string& title, const std::vector<Series>& series, const Axis& x,
                       const Axis& y) {
  Scale sx(x, kLeft, kWidth - kRight), sy(y, kHeight - kBottom, kTop);
  for (const Series& one : series) {
    for (const double v : one.x) sx.include(v);
    for (const double v : one.y) sy.include(v);
  }
  sx.settle(), sy.settle();
  std::string svg = "<figure>" + frame(title, sx, sy, x, y, kHeight);
  for (size_t i = 0; i < series.size(); ++i) {
    std::string points;
    for (size_t j = 0; j < series[i].x.size(); ++j)
      if (sx.shows(series[i].x[j]) && sy.shows(series[i].y[j]))
        points += num(sx(series[i].x[j])) + "," + num(sy(series[i].y[j])) + " ";
    svg += "<polyline class=\"line " + series_class(i) + "\" points=\"" + points + "\"/>";
  }
  return svg + "</svg>" + legend(series) + "</figure>";
}

std::string dot_chart(const std::string& title, const std::vector<Series>& points, const Axis& x,
                      const Axis& y) {
  Scale sx(x, kLeft, kWidth - kRight), sy(y, kHeight - kBottom, kTop);
  for (const Series& one : points) {
    for (const double v : one.x) sx.include(v);
    for (const double v : one.y) sy.include(v);
  }
  sx.settle(), sy.settle();
  std::string svg = "<figure>" + frame(title, sx, sy, x, y, kHeight);
  for (size_t i = 0; i < points.size(); ++i)
    for (size_t j = 0; j < points[i].x.size(); ++j)
      if (sx.shows(points[i].x[j]) && sy.shows(points[i].y[j]))
        svg += "<circle class=\"dot " + series_class(i) + "\" r=\"5\" cx=\"" +
               num(sx(points[i].x[j])) + "\" cy=\"" + num(sy(points[i].y[j])) + "\"><title>" +
               markup_escaped(points[i].name) + "</title></circle>";
  return svg + "</svg>" + legend(points) + "</figure>";
}

std::string interval_chart(const std::string& title, const std::vector<IntervalRow>& rows,
                           const Axis& x) {
  constexpr double kRow = 24, kNames = 340;
  const double height = kTop + kBottom + kRow * static_cast<double>(rows.size());
  Scale sx(x, kNames, kWidth - kRight), sy({}, 0, 1);
  for (const IntervalRow& row : rows)
    sx.include(row.value), sx.include(row.low), sx.include(row.high);
  sx.settle(), sy.settle();
  std::string svg = "<figure>" + frame(title, sx, sy, x, {}, height);
  for (size_t i = 0; i < rows.size(); ++i) {
    const double middle = kTop + kRow * (static_cast<double>(i) + 0.5);
    svg += "<text class=\"name\" text-anchor=\"end\" x=\"" + num(kNames - 10) + "\" y=\"" +
           num(middle + 4) + "\">" + markup_escaped(shortened(rows[i].name)) + "</text>";
    if (sx.shows(rows[i].low) && sx.shows(rows[i].high))
      svg += "<line class=\"whisker\" x1=\"" + num(sx(rows[i].low)) + "\" x2=\"" +
             num(sx(rows[i].high)) + "\" y1=\"" + num(middle) + "\" y2=\"" + num(middle) + "\"/>";
    if (sx.shows(rows[i].value))
      svg += "<circle class=\"dot s0\" r=\"4.5\" cx=\"" + num(sx(rows[i].value)) + "\" cy=\"" +
             num(middle) + "\"/>";
  }
  return svg + "</svg></figure>";
}

std::string share_width(double share) {
  return num(100 * (share > 0 ? std::min(share, 1.0) : 0.0)) + "%";
}

}  // namespace otoscope::serve
