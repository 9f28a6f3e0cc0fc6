#include "serve/hallucination.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/core/errors.h"
#include "otoscope/core/statistics.h"
#include "serve/bound_table.h"
#include "serve/chart.h"
#include "serve/heard_sounds.h"

namespace otoscope::serve {
namespace {

void write_measurement(Html& html, const Document& result) {
  const io::Json& measured = result.json->at("measurement");
  const BoundColumn kColumns[] = {
      {"windows", "/raw/by_source/n", "count", "of up to 30 s, without speech"},
      {"sources", "/raw/by_source/clusters", "count", "recordings that they come from"},
      {"with text", "/raw/by_source", "percent1", "windows in which the model writes text"},
      {"after its filter", "/filtered/by_source", "percent1",
       "the same after Whisper's own thresholds on silence and likelihood"}};
  std::vector<BoundRow> rows;
  if (measured.contains("forced"))
    rows.push_back(
        {"language token: " + text_at(measured["forced"], "language"), "/measurement/forced"});
  if (measured.contains("detected")) rows.push_back({"language detected", "/measurement/detected"});
  if (measured.contains("forced") && measured["forced"].contains("kinds"))
    for (size_t i = 0; i < measured["forced"]["kinds"].size(); ++i)
      rows.push_back({text_at(measured["forced"]["kinds"][i], "kind"),
                      "/measurement/forced/kinds/" + std::to_string(i), true});
  write_bound_table(html, result, "", rows, kColumns);
  if (!measured.contains("forced") || !measured["forced"].contains("texts")) return;
  html.open("p").text("What it writes most often: ");
  constexpr size_t kShown = 8;
  const io::Json& texts = measured["forced"]["texts"];
  for (size_t i = 0; i < std::min(kShown, texts.size()); ++i) {
    html.text(std::string(i > 0 ? ", " : "") + "“" + text_at(texts[i], "text") + "” ");
    html.raw(bound(result, "/measurement/forced/texts/" + std::to_string(i) + "/windows", "count"));
  }
  html.text(".").close();
}

void write_questions(Html& html, const Document& result) {
  const io::Json& questions = result.json->at("questions");
  const BoundColumn kColumns[] = {
      {"numbers", "/numbers", "count", "that the detector looks at"},
      {"AUROC on test", "/auroc", "fixed3", "0.5: chance, 1: always right"}};
  for (size_t q = 0; q < questions.size(); ++q) {
    html.leaf("h4", "What foretells that " + text_at(questions[q], "question"));
    if (!questions[q].value("answered", false)) {
      html.leaf("p", "Not answered: " + text_at(questions[q], "why_not") + ".");
      continue;
    }
    std::vector<BoundRow> rows;
    const std::string here = "/questions/" + std::to_string(q);
    for (size_t i = 0; i < questions[q]["detectors"].size(); ++i) {
      const io::Json& one = questions[q]["detectors"][i];
      rows.push_back({text_at(one, "name"), here + "/detectors/" + std::to_string(i),
                      text_at(one, "kind") != "features"});
    }
    write_bound_table(html, result, "detector", rows, kColumns);
    html.open("p", {{"class", "soft"}}).text("Of the test windows ");
    html.raw(bound(result, here + "/windows/test/prevalence", "percent0"))
        .text(" are of the first kind.")
        .close();
  }
}

/// Share of windows with text at a dose; Wilson's interval.
Response response_of(const Document& result, const io::Json& edit, const char* of) {
  const auto with_text = edit.at("with_text").get<int64_t>(), all = edit.at(of).get<int64_t>();
  if (with_text < 0 || with_text > all)
    throw UserError(result.file, "expected at most " + std::to_string(all) +
                                     " windows with text, got " + std::to_string(with_text));
  const Estimate share = wilson(with_text, all);
  return {edit.at("dose").get<double>(), share.value, share.low, share.high};
}

/// The edits that were tried on train and dev, by dose, beside random ones.
void write_edits(Html& html, const Document& result) {
  const io::Json& search = result.json->at("search");
  const io::Json& always = search.at("always_on");
  html.leaf("h4", "Features scaled at every frame, on train and dev");
  const BoundColumn kColumns[] = {
      {"dose", "/dose", "fixed3", "mean ||x' - x|| over the mean norm of a frame"},
      {"sounds with text", "/with_text", "count", "windows without speech that get text"},
      {"of", "/sounds", "count", "windows without speech"},
      {"speech changed", "/speech_changed", "count", "clips of speech whose text changes"},
      {"emptied", "/speech_emptied", "count", "clips of speech that lose all their text"},
      {"of", "/speech", "count", "clips of speech"}};
  std::vector<BoundRow> rows;
  ResponseCurve tried{"features, always on", {}, Drawn::dots},
      behind{"behind the condition", {}, Drawn::dots};
  for (const char* list : {"coarse", "fine"})
    for (size_t i = 0; i < always.at(list).size(); ++i) {
      const std::string here = std::string("/search/always_on/") + list + "/" + std::to_string(i);
      rows.push_back({text_at(always[list][i], "name"), here});
      tried.points.push_back(response_of(result, always[list][i], "sounds"));
    }
  write_bound_table(html, result, "edit", rows, kColumns);
  for (const io::Json& edit : search.at("behind_condition"))
    behind.points.push_back(response_of(result, edit, "windows"));
  std::vector<ResponseCurve> curves;
  for (ResponseCurve* curve : {&tried, &behind})
    if (!curve->points.empty()) curves.push_back(std::move(*curve));
  for (const auto& [key, name] : {std::pair("random_features", "random features, always on"),
                                  std::pair("random_directions", "random directions, always on")}) {
    ResponseCurve control{name, {}, Drawn::control};
    for (const io::Json& edit : always.at(key))
      control.points.push_back(response_of(result, edit, "sounds"));
    if (!control.points.empty()) curves.push_back(std::move(control));
  }
  html.open("div", {{"class", "charts"}})
      .raw(response_chart("Dose, and windows without speech that get text", curves, {"dose"},
                          {"share with text"}))
      .close();
}

void write_recipes(Html& html, const Document& result) {
  const io::Json& table = result.json->at("table");
  if (table.empty()) return;
  html.leaf("h4", "What silences it, and what that costs on speech");
  const BoundColumn kColumns[] = {
      {"text on test sounds", "/sounds/raw/by_source", "percent1", "held-out sources"},
      {"after the filter", "/sounds/filtered/by_source", "percent1", "the model's own filter too"},
      {"rise of WER", "/speech/rise", "percent2", "against the model as it is, same clips"},
      {"emptied", "/speech/emptied", "percent2", "clips of speech that lose all their text"},
      {"words", "/speech/words", "count", "that the guard is measured on"}};
  std::vector<BoundRow> rows;
  std::vector<IntervalRow> text;
  for (size_t i = 0; i < table.size(); ++i) {
    const std::string here = "/table/" + std::to_string(i), kind = text_at(table[i], "kind");
    const bool shown = table[i].at("speech").value("shown", false);
    rows.push_back({text_at(table[i], "name") + (shown ? ": no harm shown" : ": not shown"), here,
                    kind != "recipe"});
    const std::string sounds = here + "/sounds/raw/by_source";
    text.push_back({text_at(table[i], "name"), number(result, sounds),
                    number(result, sounds + "/low"), number(result, sounds + "/high")});
  }
  write_bound_table(html, result, "", rows, kColumns);
  html.open("p", {{"class", "soft"}}).text("The word error rate of the model as it is: ");
  html.raw(bound_estimate(result, "/table/0/speech/clean_wer", "percent1"));
  html.text(". No harm: the upper end of the rise stays under ");
  html.raw(bound(result, "/table/0/speech/limit", "percent1")).text(".");
  html.close();
  html.open("div", {{"class", "charts"}})
      .raw(interval_chart("Windows without speech that get text", text, {"share, 95 % interval"}))
      .close();
}

void write_beyond(Html& html, const Document& result) {
  const io::Json& beyond = result.json->at("beyond");
  html.leaf("h4", "Beside a voice-activity detector in front");
  if (!beyond.value("measured", false)) {
    html.leaf("p", "Not measured: " + text_at(beyond, "why") + ".");
    return;
  }
  html.leaf("p", "The detector is " + text_at(beyond, "detector") +
                     ", run apart; its row stands in the table above.");
}

}  // namespace

void write_hallucination(Html& html, const Document& result, Progress& progress) {
  const io::Json& json = *result.json;
  html.leaf("h3", "Text where nobody speaks");
  if (json.value("quick", false))
    html.leaf("p", "The small form: " + text_at(json, "left_out") + ".", {{"class", "soft"}});
  write_measurement(html, result);
  write_questions(html, result);
  write_edits(html, result);
  write_recipes(html, result);
  write_heard_sounds(html, result, progress);
  write_beyond(html, result);
}

}  // namespace otoscope::serve
