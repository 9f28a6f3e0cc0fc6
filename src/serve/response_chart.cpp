#include "otoscope/core/markup.h"
#include "serve/chart_frame.h"

namespace otoscope::serve {
namespace {

std::string dot(const Response& point, const Scale& sx, const Scale& sy, const std::string& colour,
                const std::string& name) {
  if (!sx.shows(point.dose) || !sy.shows(point.value)) return {};
  std::string svg;
  const std::string x = num(sx(point.dose));
  if (sy.shows(point.low) && sy.shows(point.high))
    svg += "<line class=\"whisker " + colour + "\" x1=\"" + x + "\" x2=\"" + x + "\" y1=\"" +
           num(sy(point.low)) + "\" y2=\"" + num(sy(point.high)) + "\"/>";
  return svg + "<circle class=\"dot " + colour + "\" r=\"4\" cx=\"" + x + "\" cy=\"" +
         num(sy(point.value)) + "\"><title>" + markup_escaped(name) + "</title></circle>";
}

}  // namespace

std::string response_chart(const std::string& title, const std::vector<ResponseCurve>& curves,
                           const Axis& x, const Axis& y) {
  Scale sx(x, kLeft, kWidth - kRight), sy(y, kHeight - kBottom, kTop);
  for (const ResponseCurve& curve : curves)
    for (const Response& point : curve.points) {
      sx.include(point.dose);
      for (const double v : {point.value, point.low, point.high}) sy.include(v);
    }
  sx.settle(), sy.settle();
  std::string svg = "<figure>" + frame(title, sx, sy, x, y, kHeight);
  std::string names = "<ul class=\"legend\">";
  size_t colour = 0;
  for (const bool control : {true, false})  // controls first: what is tested lies over them
    for (const ResponseCurve& curve : curves) {
      if ((curve.drawn == Drawn::control) != control) continue;
      const std::string c = control ? "null" : series_class(colour++);
      if (curve.drawn == Drawn::line && curve.points.size() > 1) {
        std::string line;
        for (const Response& point : curve.points)
          if (sx.shows(point.dose) && sy.shows(point.value))
            line += num(sx(point.dose)) + "," + num(sy(point.value)) + " ";
        svg += "<polyline class=\"line " + c + "\" points=\"" + line + "\"/>";
      }
      for (const Response& point : curve.points) svg += dot(point, sx, sy, c, curve.name);
      names += "<li class=\"" + c + "\">" + markup_escaped(curve.name) + "</li>";
    }
  return svg + "</svg>" + names + "</ul></figure>";
}

}  // namespace otoscope::serve
