#include "serve/steering.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "serve/bound_table.h"
#include "serve/chart.h"

namespace otoscope::serve {
namespace {

using Pointer = io::Json::json_pointer;

bool shown(const io::Json& arm) { return text_at(arm, "role").rfind("random", 0) != 0; }

std::string title_of(const io::Json& json) {
  const std::string kind = text_at(json, "kind");
  if (kind == "language")
    return "Steering " + text_at(json.at("chosen"), "from") + " towards " +
           text_at(json.at("chosen"), "toward") + ", at " + text_at(json, "site");
  if (kind == "phone")
    return "Steering the phone /" + text_at(json.at("phone"), "phone") + "/, at " +
           text_at(json, "site");
  return "Steering, at " + text_at(json, "site");
}

void write_points(Html& html, const Document& result) {
  const BoundColumn kColumns[] = {
      {"dose", "/dose", "fixed2", "mean ||x' - x|| over the mean norm of a frame"},
      {"target", "/target", "percent1", "what is meant to change"},
      {"change", "/target_difference", "percent1", "against the clean model on the same clips"},
      {"meaning kept", "/meaning/overlap", "fixed2", "words shared with the human translation"},
      {"by chance", "/meaning/chance", "fixed2", "words shared with another prompt's translation"},
      {"KL", "/kl", "fixed2", "nats per token, teacher-forced"},
      {"WER", "/wer", "percent1", "against what was said"},
      {"empty", "/empty", "percent1", "clips without text"},
      {"looping", "/looping", "percent1", "clips whose text repeats itself"}};
  std::vector<BoundRow> rows;
  std::vector<BoundColumn> columns;
  const io::Json& arms = result.json->at("arms");
  for (size_t a = 0; a < arms.size(); ++a) {
    if (!shown(arms[a])) continue;
    const io::Json& points = arms[a].at("points");
    for (size_t p = 0; p < points.size(); ++p) {
      std::string name = text_at(arms[a], "name");
      if (points.size() > 1) name += " × " + formatted(points[p].at("strength"), "short");
      rows.push_back({name, "/arms/" + std::to_string(a) + "/points/" + std::to_string(p),
                      text_at(arms[a], "role") != "tested"});
    }
  }
  for (const BoundColumn& column : kColumns)
    for (const BoundRow& row : rows)
      if (has(result, row.pointer + column.pointer)) {
        columns.push_back(column);
        break;
      }
  write_bound_table(html, result, "edit × strength", rows, columns);
}

/// One measure of every arm against its dose, which negative strengths turn round; the random arms
/// are the controls of their kind.
std::vector<ResponseCurve> curves_of(const Document& result, const std::string& measure) {
  std::vector<ResponseCurve> curves;
  std::map<std::string, ResponseCurve> controls;
  const io::Json& arms = result.json->at("arms");
  for (size_t a = 0; a < arms.size(); ++a) {
    ResponseCurve curve{text_at(arms[a], "name"), {}, Drawn::line};
    const io::Json& points = arms[a].at("points");
    for (size_t p = 0; p < points.size(); ++p) {
      const std::string here =
          "/arms/" + std::to_string(a) + "/points/" + std::to_string(p) + measure;
      if (!has(result, here)) continue;
      const double sign = points[p].at("strength").get<double>() < 0 ? -1 : 1;
      curve.points.push_back({sign * points[p].at("dose").get<double>(), number(result, here),
                              number(result, here + "/low"), number(result, here + "/high")});
    }
    if (curve.points.empty()) continue;
    if (shown(arms[a])) {
      curves.push_back(std::move(curve));
      continue;
    }
    const bool feature = text_at(arms[a], "role") == "random_feature";
    ResponseCurve& all = controls[feature ? "random features" : "random directions"];
    for (Response point : curve.points) {
      point.low = point.high = NAN;  // their own spread is the interval
      all.points.push_back(point);
    }
  }
  for (auto& [name, curve] : controls) {
    curve.name = name, curve.drawn = Drawn::control;
    curves.push_back(std::move(curve));
  }
  return curves;
}

/// Where some edit was tried at several strengths.
void write_curves(Html& html, const Document& result) {
  bool doses = false;
  for (const io::Json& arm : result.json->at("arms")) doses = doses || arm.at("points").size() > 2;
  if (!doses) return;
  html.open("div", {{"class", "charts"}});
  const Axis dose{"dose, turned round where the strength is negative"};
  const std::tuple<const char*, std::string, const char*> kMeasures[] = {
      {"Dose and response", text_at(*result.json, "target"), "/target"},
      {"Dose and distance from the clean model", "KL, nats per token", "/kl"},
      {"Dose and word error rate", "WER", "/wer"}};
  for (const auto& [title, label, measure] : kMeasures)
    if (const auto curves = curves_of(result, measure); !curves.empty())
      html.raw(response_chart(title, curves, dose, {label}));
  html.close();
  html.leaf("p", "Whiskers are 95 % intervals over clusters; each grey dot is one random control.",
            {{"class", "soft"}});
}

void write_contests(Html& html, const Document& result) {
  const io::Json& contests = result.json->at("contests");
  if (contests.empty()) return;
  const BoundColumn kColumns[] = {
      {"effect", "/effect", "signed3", "change of the target"},
      {"random features, 95 %", "/random_features/p95", "fixed3",
       "95 % quantile of the effects of features that fire as often, at the same dose"},
      {"p", "/random_features/p", "fixed3", "share of them that do as much"},
      {"random directions, 95 %", "/random_directions/p95", "fixed3", "the same for directions"},
      {"p", "/random_directions/p", "fixed3", "share of them that do as much"}};
  std::vector<BoundRow> rows;
  for (size_t c = 0; c < contests.size(); ++c)
    rows.push_back(
        {text_at(contests[c], "arm") + " × " + formatted(contests[c].at("strength"), "short"),
         "/contests/" + std::to_string(c)});
  html.leaf("h4", "Against random features and directions at the same dose");
  write_bound_table(html, result, "edit × strength", rows, kColumns);
}

}  // namespace

void write_steering(Html& html, const Document& result) {
  const io::Json& json = *result.json;
  html.leaf("h3", title_of(json));
  html.open("p").text("Measured on ").raw(bound(result, "/clips", "count"));
  html.text(" test clips of ").raw(bound(result, "/clusters", "count"));
  html.text(" clusters. Target: " + text_at(json, "target") +
            ". Features and strengths were chosen on other clips.");
  if (json.contains("text_language"))
    html.text(" The language of a text is told by " + text_at(json["text_language"], "method") +
              ", right on ")
        .raw(bound_estimate(result, "/text_language/accuracy", "percent1"))
        .text(" of the test texts.");
  html.close();
  write_points(html, result);
  write_curves(html, result);
  write_contests(html, result);
}

}  // namespace otoscope::serve
