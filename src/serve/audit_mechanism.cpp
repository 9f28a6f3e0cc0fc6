#include "serve/audit_mechanism.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "serve/bound_table.h"
#include "serve/chart.h"

namespace otoscope::serve {
namespace {

bool measured(Html& html, const io::Json& part) {
  if (part.at("measured").get<bool>()) return true;
  html.leaf("p", "Not measured: " + text_at(part, "why") + ".");
  return false;
}

double finite(const io::Json& x) { return x.is_number() ? x.get<double>() : std::nan(""); }

IntervalRow interval_of(const std::string& name, const io::Json& e) {
  return {name, finite(e.at("value")), finite(e.at("low")), finite(e.at("high"))};
}

void write_chart(Html& html, const std::string& chart) {
  html.open("div", {{"class", "charts"}}).raw(chart).close();
}

/// Rates of the edits by dose, and where the controls went.
std::string dose_chart(const io::Json& c) {
  const auto point = [](const io::Json& arm) {
    const io::Json& e = arm.at("rate");
    return Response{finite(arm.at("dose")), finite(e.at("value")), finite(e.at("low")),
                    finite(e.at("high"))};
  };
  ResponseCurve edits{"the set, by strength", {}, Drawn::dots},
      controls{"like features at the same dose", {}, Drawn::control};
  const io::Json& before = c.at("rate_before");
  edits.points.push_back(
      {0, finite(before.at("value")), finite(before.at("low")), finite(before.at("high"))});
  edits.points.push_back(point(c.at("ablated")));
  edits.points.push_back(point(c.at("mean_ablated")));
  for (const io::Json& arm : c.at("dose")) edits.points.push_back(point(arm));
  const io::Json& others = c.at("controls");
  if (others.contains("doses"))
    for (size_t i = 0; i < others.at("differences").size() && i < others["doses"].size(); ++i)
      controls.points.push_back({finite(others["doses"][i]),
                                 finite(before.at("value")) - finite(others["differences"][i]),
                                 std::nan(""), std::nan("")});
  return response_chart("Rate by dose", {controls, edits}, {"dose, mean change over mean norm"},
                        {"rate"});
}

}  // namespace

void write_search(Html& html, const Document& record) {
  if (!record.json->contains("search")) return;
  const io::Json& s = record.json->at("search");
  html.leaf("h2", "Where the mechanism was looked for", {{"id", "search"}});
  if (!measured(html, s)) return;
  html.open("p").text(text_at(s, "part") + ": ");
  html.raw(bound(record, "/search/windows", "count")).text(" clips of dev, ");
  html.raw(bound(record, "/search/speech", "count"));
  html.text(" of speech. Chosen by " + text_at(s, "chosen_by") + ".").close();
  const BoundColumn kTried[] = {
      {"AUROC on dev", "/auroc", "fixed3", "0.5: chance"},
      {"dose", "/arm/dose", "fixed3", "mean ||x' - x|| over the mean norm of a row"},
      {"fall", "/arm/difference", "percent1", "of the rate on dev, taken to zero"},
      {"speech emptied", "/speech_emptied", "percent1", "share of clips that lose their text"},
      {"score", "/score", "fixed3", "what it was chosen by"}};
  std::vector<BoundRow> rows;
  const auto chosen = s.at("chosen").get<size_t>();
  for (size_t i = 0; i < s.at("tried").size(); ++i) {
    const io::Json& one = s["tried"][i];
    rows.push_back({std::string(i == chosen ? "chosen: " : "") +
                        std::to_string(one.at("features").size()) + " of " + text_at(one, "site") +
                        (one.at("choosable").get<bool>() ? "" : ", another seed") + ": " +
                        text_at(one, "from"),
                    "/search/tried/" + std::to_string(i), i != chosen});
  }
  write_bound_table(html, record, "", rows, kTried);
  if (s.at("sites").empty()) return;
  const BoundColumn kSites[] = {
      {"as it is", "/whole", "fixed3", "the number that the circuit is asked, failing train clips"},
      {"without features", "/without_features", "fixed3", "all of them at their reference"},
      {"without error", "/without_error", "fixed3", "of the SAE, to first order"},
      {"dose", "/all_features/dose", "fixed3", ""},
      {"fall", "/all_features/difference", "percent1", "of the rate on dev, all features to zero"},
      {"speech emptied", "/speech_emptied", "percent1", ""}};
  rows.clear();
  for (size_t i = 0; i < s["sites"].size(); ++i)
    rows.push_back(
        {"all of " + text_at(s["sites"][i], "site"), "/search/sites/" + std::to_string(i)});
  write_bound_table(html, record, "", rows, kSites);
}

void write_predictive(Html& html, const Document& record) {
  const io::Json& p = record.json->at("predictive");
  html.leaf("h2", "Do features foretell it?", {{"id", "predictive"}});
  if (!measured(html, p)) return;
  const BoundColumn kColumns[] = {
      {"numbers", "/numbers", "count", "that it looks at"},
      {"AUROC on test", "/auroc", "fixed3", "0.5: chance, 1: always right"},
      {"average precision", "/ap", "fixed3", "beside the prevalence"},
      {"MCC", "/mcc", "fixed3", "correlation at the threshold from dev"}};
  std::vector<BoundRow> rows;
  std::vector<IntervalRow> chart;
  for (size_t i = 0; i < p.at("scores").size(); ++i) {
    const io::Json& score = p["scores"][i];
    rows.push_back({text_at(score, "name"), "/predictive/scores/" + std::to_string(i),
                    text_at(score, "kind") != "features"});
    chart.push_back(interval_of(text_at(score, "name"), score.at("auroc")));
  }
  write_bound_table(html, record, "", rows, kColumns);
  html.open("p", {{"class", "soft"}}).text("Prevalence ");
  html.raw(bound_estimate(record, "/predictive/prevalence", "fixed3"));
  html.text("; a detector that always says yes has an F1 of ");
  html.raw(bound(record, "/predictive/all_positive/f1", "fixed3")).text(" and no correlation. ");
  html.raw(bound(record, "/predictive/random_features/n", "count"));
  html.text(" sets of like features reach ");
  html.raw(bound(record, "/predictive/random_features/p95", "fixed3"));
  html.text(" (their 95th percentile).").close();
  write_chart(html, interval_chart("What foretells it, on test", chart, {"AUROC, 95 % interval"}));
}

/// What the edited features are called, where they have names.
void write_labels(Html& html, const Document& record) {
  const io::Json& features = record.json->at("features");
  const auto named = [](const io::Json& one) { return one.contains("label"); };
  if (std::none_of(features.begin(), features.end(), named)) return;
  html.open("ul");
  for (const io::Json& one : features) {
    if (!named(one)) continue;
    html.open("li", {{"title", text_at(one, "label_evidence")}})
        .text("feature " + one.at("index").dump() + " " + text_at(one, "label"))
        .close();
  }
  html.close();
}

void write_causal(Html& html, const Document& record) {
  const io::Json& c = record.json->at("causal");
  html.leaf("h2", "Does taking the features away take it away?", {{"id", "causal"}});
  if (!measured(html, c)) return;
  html.leaf("p", "Edited: " + text_at(c, "set") + ", at " + text_at(c, "site") + ".");
  write_labels(html, record);
  const BoundColumn kColumns[] = {
      {"dose", "/dose", "fixed3", "mean ||x' - x|| over the mean norm of a frame"},
      {"rate", "/rate", "percent1", "95 % interval"},
      {"fall", "/difference", "percent1", "rate before less rate after, the same clips"}};
  std::vector<BoundRow> rows{{text_at(c.at("ablated"), "name"), "/causal/ablated"},
                             {text_at(c.at("mean_ablated"), "name"), "/causal/mean_ablated"}};
  for (size_t i = 0; i < c.at("dose").size(); ++i)
    rows.push_back({text_at(c["dose"][i], "name"), "/causal/dose/" + std::to_string(i)});
  if (c.at("sufficiency").at("measured").get<bool>()) {
    rows.push_back({"where it does not fail: " + text_at(c["sufficiency"].at("arm"), "name"),
                    "/causal/sufficiency/arm"});
    if (c["sufficiency"].contains("control"))
      rows.push_back(
          {text_at(c["sufficiency"]["control"], "name"), "/causal/sufficiency/control", true});
  }
  write_bound_table(html, record, "", rows, kColumns);
  if (!c["sufficiency"].at("measured").get<bool>())
    html.leaf("p", "Sufficiency was not measured: " + text_at(c["sufficiency"], "why") + ".",
              {{"class", "soft"}});
  html.open("p").text("Before: ");
  html.raw(bound_estimate(record, "/causal/rate_before", "percent1")).text(". Controls (");
  html.text(text_at(c.at("controls"), "kind") + "): ");
  html.raw(bound(record, "/causal/controls/n", "count")).text(", of which 95 % move the rate by ");
  html.raw(bound(record, "/causal/controls/p95", "percent1")).text(" or less; p ");
  html.raw(bound(record, "/causal/controls/p", "fixed3")).text(".");
  if (!c.at("mediation").is_null())
    html.text(" Share of the rate that goes: ")
        .raw(bound(record, "/causal/mediation", "percent0"))
        .text(".");
  html.close();
  write_chart(html, dose_chart(c));
  const io::Json& guard = c.at("guard");
  html.leaf("h3", "What it costs on speech");
  if (!measured(html, guard)) return;
  html.open("p").text("On ").raw(bound(record, "/causal/guard/clips", "count"));
  html.text(" clips (")
      .raw(bound(record, "/causal/guard/words", "count"))
      .text(" words) the word ");
  html.text("error rate rises by ").raw(bound_estimate(record, "/causal/guard/rise", "percent2"));
  html.text(" over ").raw(bound_estimate(record, "/causal/guard/clean_wer", "percent1"));
  html.text("; ").raw(bound_estimate(record, "/causal/guard/emptied", "percent2"));
  html.text(std::string(" of the clips lose their text. No harm is ") +
            (guard.at("shown").get<bool>() ? "" : "not ") + "shown.");
  html.close();
}

void write_circuit(Html& html, const Document& record) {
  const io::Json& c = record.json->at("circuit");
  html.leaf("h2", "The circuit", {{"id", "circuit"}});
  if (!measured(html, c)) return;
  html.open("p").raw(bound(record, "/circuit/stability/features", "count"));
  html.text(" features of " + text_at(c, "site") + ": " + text_at(c, "kind") +
            ". Asked: " + text_at(c, "metric") + ". Ablated to: " + text_at(c, "reference") + ".")
      .close();
  write_tests(html, c.at("tests"));
  const BoundColumn kFigures[] = {{"on test clips", "", "fixed3", "95 % interval"}};
  const BoundRow rows[] = {{"the model as it is", "/circuit/whole"},
                           {"all features of the site at their reference", "/circuit/none"},
                           {"what there is to explain", "/circuit/effect"},
                           {"share that the circuit keeps alone", "/circuit/faithfulness"},
                           {"share that is left without it", "/circuit/completeness"},
                           {"random sets of that size", "/circuit/random/faithfulness", true}};
  write_bound_table(html, record, "", rows, kFigures);
  const BoundColumn kTop[] = {
      {"effect", "/effect", "fixed3", "predicted change when it is set to its reference"},
      {"mean size", "/magnitude", "fixed3", ""},
      {"clips", "/clips", "count", "in which it fires"},
      {"one sign", "/same_sign", "percent0", "share of them whose effect has the mean's sign"}};
  std::vector<BoundRow> top;
  std::vector<IntervalRow> chart;
  for (size_t i = 0; i < c.at("top").size(); ++i) {
    const std::string name = "feature " + c["top"][i].at("index").dump();
    top.push_back({name, "/circuit/top/" + std::to_string(i)});
    if (i < 12) chart.push_back(interval_of(name, c["top"][i].at("effect")));
  }
  write_bound_table(html, record, "", top, kTop);
  write_chart(html, interval_chart("Features that move it most", chart,
                                   {"effect, 95 % interval, clusters resampled"}));
}

}  // namespace otoscope::serve
