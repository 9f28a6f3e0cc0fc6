#include "serve/chart_frame.h"

#include <algorithm>
#include <cstdio>

#include "otoscope/core/markup.h"

namespace otoscope::serve {
namespace {

constexpr double kFarthest = 1e100;  // what lies beyond is drawn off the picture

std::string tick_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

}  // namespace

std::string num(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

void Scale::include(double value) {
  if (!shows(value) || std::abs(value) > kFarthest) return;
  const double v = axis_.log ? std::log10(value) : value;
  low_ = std::min(low_, v), high_ = std::max(high_, v);
}

void Scale::settle() {
  if (!(low_ <= high_)) low_ = 0, high_ = 1;
  // Ticks closer than numbers of this size can be told apart would never end.
  const double least = 1e-9 * std::max(std::abs(low_), std::abs(high_));
  if (high_ - low_ <= least) {
    const double half = std::max(0.5, least);
    low_ -= half, high_ += half;
  }
  const double margin = 0.04 * (high_ - low_);
  low_ -= margin, high_ += margin;
}

double Scale::operator()(double value) const {
  const double v = axis_.log ? std::log10(value) : value;
  return from_ + (to_ - from_) * (v - low_) / (high_ - low_);
}

std::vector<double> Scale::ticks() const {
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

std::string frame(const std::string& title, const Scale& sx, const Scale& sy, const Axis& x,
                  const Axis& y, double height) {
  const double bottom = height - kBottom;
  std::string svg = "<svg class=\"chart\" role=\"img\" viewBox=\"0 0 " + num(kWidth) + " " +
                    num(height) + "\"><title>" + markup_escaped(title) +
                    "</title><text class=\"head\" x=\"" + num(kLeft) + "\" y=\"18\">" +
                    markup_escaped(title) + "</text>";
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
         "\" y=\"" + num(bottom + 34) + "\">" + markup_escaped(x.label) + "</text>";
  if (!y.label.empty())
    svg += "<text class=\"label\" text-anchor=\"middle\" transform=\"translate(14 " +
           num((kTop + bottom) / 2) + ") rotate(-90)\">" + markup_escaped(y.label) + "</text>";
  return svg;
}

std::string series_class(size_t i) { return "s" + std::to_string(i % 8); }

std::string legend(const std::vector<Series>& series) {
  std::string html = "<ul class=\"legend\">";
  for (size_t i = 0; i < series.size(); ++i)
    html += "<li class=\"" + series_class(i) + "\">" + markup_escaped(series[i].name) + "</li>";
  return html + "</ul>";
}

}  // namespace otoscope::serve
