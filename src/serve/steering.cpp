#include "serve/steering.h"

#include <nlohmann/json.hpp>

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

void write_curves(Html& html, const Document& result) {
  std::vector<Series> curves;
  const io::Json& arms = result.json->at("arms");
  for (size_t a = 0; a < arms.size(); ++a) {
    const io::Json& points = arms[a].at("points");
    if (!shown(arms[a]) || points.size() < 3) continue;
    Series series{text_at(arms[a], "name"), {}, {}};
    for (size_t p = 0; p < points.size(); ++p) {
      series.x.push_back(points[p].at("strength").get<double>());
      series.y.push_back(number(
          result, "/arms/" + std::to_string(a) + "/points/" + std::to_string(p) + "/target"));
    }
    curves.push_back(std::move(series));
  }
  if (curves.empty()) return;
  html.open("div", {{"class", "charts"}})
      .raw(line_chart("Dose and response", curves, {"strength"}, {text_at(*result.json, "target")}))
      .close();
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
