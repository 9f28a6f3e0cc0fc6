#include "serve/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "serve/html.h"

namespace otoscope::serve {
namespace {

constexpr double kWidth = 640, kHeight = 320, kLeft = 62, kRight = 16, kTop = 30, kBottom = 46;

std::string num(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string tick_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

/// Data values -> pixels along one axis.
class Scale {
 public:
  Scale(const Axis& axis, double from, double to) : axis_(axis), from_(from), to_(to) {}
  void include(double value) {
    if (!std::isfinite(value) || (axis_.log && value <= 0)) return;
    const double v = axis_.log ? std::log10(value) : value;
    low_ = std::min(low_, v), high_ = std::max(high_, v);
  }
  void settle() {
    if (!(low_ <= high_)) low_ = 0, high_ = 1;
    if (low_ == high_) low_ -= 0.5, high_ += 0.5;
    const double margin = 0.04 * (high_ - low_);
    low_ -= margin, high_ += margin;
  }
  bool shows(double value) const { return std::isfinite(value) && (!axis_.log || value > 0); }
  double operator()(double value) const {
    const double v = axis_.log ? std::log10(value) : value;
    return from_ + (to_ - from_) * (v - low_) / (high_ - low_);
  }
  std::vector<double> ticks() const {
    std::vector<double> values;
    if (axis_.log) {
      const bool fine = high_ - low_ < 1.5;
      for (int decade = static_cast<int>(std::floor(low_));
           decade <= static_cast<int>(std::ceil(high_)); ++decade)
        for (const int step : {1, 2, 5})
          if (step == 1 || fine) {
            const double v = std::log10(step) + decade;
            if (v >= low_ && v <= high_) values.push_back(std::pow(10.0, v));
          }
      return values;
    }
    const double raw = (high_ - low_) / 5, magnitude = std::pow(10.0, std::floor(std::log10(raw)));
    double step = magnitude;
    for (const double factor : {1.0, 2.0, 5.0, 10.0})
      if (factor * magnitude >= raw) {
        step = factor * magnitude;
        break;
      }
    for (double v = std::ceil(low_ / step) * step; v <= high_; v += step)
      values.push_back(std::fabs(v) < step / 1e6 ? 0 : v);
    return values;
  }

 private:
  Axis axis_;
  double from_, to_, low_ = INFINITY, high_ = -INFINITY;
};

std::string frame(const std::string& title, const Scale& sx, const Scale& sy, const Axis& x,
                  const Axis& y, double height) {
  const double bottom = height - kBottom;
  std::string svg = "<svg class=\"chart\" role=\"img\" viewBox=\"0 0 " + num(kWidth) + " " +
                    num(height) + "\"><title>" + escaped(title) +
                    "</title><text class=\"head\" x=\"" + num(kLeft) + "\" y=\"18\">" +
                    escaped(title) + "</text>";
  for (const double tick : sx.ticks())
    svg += "<line class=\"grid\" x1=\"" + num(sx(tick)) + "\" x2=\"" + num(sx(tick)) + "\" y1=\"" +
           num(kTop) + "\" y2=\"" + num(bottom) +
           "\"/><text class=\"tick\" text-anchor=\"middle\" x=\"" + num(sx(tick)) + "\" y=\"" +
           num(bottom + 15) + "\">" + tick_text(tick) + "</text>";
  if (!y.label.empty())
    for (const double tick : sy.ticks())
      svg += "<line class=\"grid\" x1=\"" + num(kLeft) + "\" x2=\"" + num(kWidth - kRight) +
             "\" y1=\"" + num(sy(tick)) + "\" y2=\"" + num(sy(tick)) +
             "\"/><text class=\"tick\" text-anchor=\"end\" x=\"" + num(kLeft - 6) + "\" y=\"" +
             num(sy(tick) + 4) + "\">" + tick_text(tick) + "</text>";
  svg += "<text class=\"label\" text-anchor=\"middle\" x=\"" + num((kLeft + kWidth - kRight) / 2) +
         "\" y=\"" + num(bottom + 34) + "\">" + escaped(x.label) + "</text>";
  if (!y.label.empty())
    svg += "<text class=\"label\" text-anchor=\"middle\" transform=\"translate(14 " +
           num((kTop + bottom) / 2) + ") rotate(-90)\">" + escaped(y.label) + "</text>";
  return svg;
}

std::string series_class(size_t i) { return "s" + std::to_string(i % 8); }

std::string legend(const std::vector<Series>& series) {
  std::string html = "<ul class=\"legend\">";
  for (size_t i = 0; i < series.size(); ++i)
    html += "<li class=\"" + series_class(i) + "\">" + escaped(series[i].name) + "</li>";
  return html + "</ul>";
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
               escaped(points[i].name) + "</title></circle>";
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
           num(middle + 4) + "\">" + escaped(rows[i].name) + "</text>";
    if (sx.shows(rows[i].low) && sx.shows(rows[i].high))
      svg += "<line class=\"whisker\" x1=\"" + num(sx(rows[i].low)) + "\" x2=\"" +
             num(sx(rows[i].high)) + "\" y1=\"" + num(middle) + "\" y2=\"" + num(middle) + "\"/>";
    if (sx.shows(rows[i].value))
      svg += "<circle class=\"dot s0\" r=\"4.5\" cx=\"" + num(sx(rows[i].value)) + "\" cy=\"" +
             num(middle) + "\"/>";
  }
  return svg + "</svg></figure>";
}

std::string share_bars(const std::vector<std::pair<std::string, double>>& shares) {
  std::string html = "<ul class=\"bars\">";
  for (const auto& [name, share] : shares)
    html +=
        "<li><span class=\"bar-name\">" + escaped(name) +
        "</span><span class=\"bar\"><span style=\"width:" + num(100 * std::clamp(share, 0.0, 1.0)) +
        "%\"></span></span></li>";
  return html + "</ul>";
}

}  // namespace otoscope::serve
