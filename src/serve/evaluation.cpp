#include "serve/evaluation.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "serve/bound_number.h"
#include "serve/chart.h"

namespace otoscope::serve {
namespace {

struct Column {
  const char* head;
  const char* pointer;  // below the row
  const char* format;
  const char* meaning;
  bool compared = false;  // a control that is lower here has won
};

constexpr Column kEvalColumns[] = {
    {"FVU", "/fidelity/fvu", "fixed3", "share of variance not explained, on test frames", true},
    {"FVU, speech", "/fidelity/speech/fvu", "fixed3", "the same on frames with speech alone"},
    {"L0", "/fidelity/l0", "fixed1", "features that fire per frame"},
    {"dead", "/fidelity/dead", "percent1", "features that never fire on test frames"},
    {"KL", "/spliced/kl", "fixed3", "nats per token, clean from spliced, teacher-forced", true},
    {"ΔCE", "/spliced/ce_difference", "signed3", "nats per token against the clean model"},
    {"ΔWER", "/spliced/wer_difference", "percent1",
     "word errors against the clean model on the same clips", true},
    {"ΔCER", "/spliced/cer_difference", "percent1", "the same for characters"},
    {"empty", "/spliced/empty", "percent1", "clips without text"},
    {"looping", "/spliced/looping", "percent1",
     "clips whose text repeats itself (compression ratio over 2.4)"},
};

const io::Json& table_of(const Document& eval) { return eval.json->at("table"); }

std::string row_name(const io::Json& row) { return row.value("name", std::string("?")); }

void write_row(Html& html, const Document& eval, const std::string& pointer,
               const std::string& name, bool control) {
  html.open("tr", {{"class", control ? "control" : "sae"}}).leaf("th", name, {{"scope", "row"}});
  const io::Json::json_pointer no_speech(pointer + "/spliced/no_speech_left");
  const bool rambles = eval.json->contains(no_speech) && eval.json->at(no_speech) == true;
  for (const Column& column : kEvalColumns) {
    html.open("td");
    const bool error_rate = std::string_view(column.head).find("ER") != std::string_view::npos;
    if (rambles && error_rate)
      html.text("no speech left");
    else
      html.raw(bound_estimate(eval, pointer + column.pointer, column.format));
    html.close();
  }
  html.close();
}

void write_table(Html& html, const SaeFiles& sae) {
  const Document& eval = *sae.eval;
  html.leaf("h3", sae.title());
  html.open("div", {{"class", "scroll"}}).open("table").open("thead").open("tr").leaf("th", "");
  for (const Column& column : kEvalColumns)
    html.leaf("th", column.head, {{"title", column.meaning}, {"scope", "col"}});
  html.close().close().open("tbody");
  for (size_t i = 0; i < table_of(eval).size(); ++i) {
    const io::Json& row = table_of(eval)[i];
    write_row(html, eval, "/table/" + std::to_string(i), row_name(row),
              row.value("kind", std::string()) != "sae");
  }
  html.close().close().close();
  if (has(eval, "/spliced/clean")) {
    html.open("p", {{"class", "soft"}})
        .text("The clean model on the same ")
        .raw(bound(eval, "/spliced/clips", "count"));
    html.text(" clips: WER ")
        .raw(bound_estimate(eval, "/spliced/clean/wer", "percent1"))
        .text(", cross-entropy ");
    html.raw(bound_estimate(eval, "/spliced/clean/ce", "fixed3"))
        .text(" nats per token. Site set to zero: KL ");
    html.raw(bound_estimate(eval, "/spliced/zero/kl", "fixed2")).text("; to its mean: KL ");
    html.raw(bound_estimate(eval, "/spliced/mean/kl", "fixed2")).text(".").close();
  }
}

/// How it does where it selects as in training: should agree with the threshold's.
void write_batch_mode(Html& html, const SaeFiles& sae) {
  const Document& eval = *sae.eval;
  if (!has(eval, "/batch_mode/fvu")) return;
  html.open("p").text("Selecting over batches of ").raw(bound(eval, "/batch_mode/batch", "count"));
  html.text(" frames, as in training, in place of the threshold: FVU ")
      .raw(bound_estimate(eval, "/batch_mode/fvu", "fixed3"));
  html.text(" at L0 ").raw(bound_estimate(eval, "/batch_mode/l0", "fixed1")).text(".").close();
}

void write_also(Html& html, const SaeFiles& sae) {
  const Document& eval = *sae.eval;
  if (!eval.json->contains("also") || eval.json->at("also").empty()) return;
  html.open("p").text("The same SAE on the same kind of clips elsewhere in the window: FVU ");
  html.raw(bound_estimate(eval, "/table/0/fidelity/fvu", "fixed3")).text(" packed");
  for (size_t i = 0; i < eval.json->at("also").size(); ++i) {
    html.text(", ").raw(
        bound_estimate(eval, "/also/" + std::to_string(i) + "/fidelity/fvu", "fixed3"));
    html.text(" " + eval.json->at("also")[i].value("name", std::string("?")));
  }
  html.text(".").close();
}

Series rate_histogram(const SaeFiles& sae) {
  Series series{sae.title(), {}, {}};
  const io::Json::json_pointer place("/table/0/fidelity/rate_histogram");
  if (!sae.eval->json->contains(place)) return series;
  const io::Json& bins = sae.eval->json->at(place);
  const auto n = static_cast<double>(bins.size());
  for (size_t i = 0; i < bins.size(); ++i) {
    series.x.push_back(-10 + 10 * (static_cast<double>(i) + 0.5) / n);
    series.y.push_back(bins[i].get<double>());
  }
  // The first bin holds what never fired, which has no logarithm; the table counts it as dead.
  if (!series.y.empty()) series.y.front() = 0;
  while (series.y.size() > 1 && series.y.front() == 0 && series.y[1] == 0)
    series.x.erase(series.x.begin()), series.y.erase(series.y.begin());
  return series;
}

}  // namespace

void write_evaluation(Html& html, const RunFiles& run) {
  for (const SaeFiles& sae : run.saes) {
    if (!sae.eval) continue;
    write_table(html, sae);
    write_batch_mode(html, sae);
    write_also(html, sae);
  }
}

void write_controls_that_win(Html& html, const RunFiles& run) {
  html.open("ul");
  bool any = false;
  for (const SaeFiles& sae : run.saes) {
    if (!sae.eval) continue;
    for (size_t i = 1; i < table_of(*sae.eval).size(); ++i) {
      const std::string pointer = "/table/" + std::to_string(i),
                        name = row_name(table_of(*sae.eval)[i]);
      for (const Column& column : kEvalColumns) {
        if (!column.compared) continue;
        const double ours = number(*sae.eval, std::string("/table/0") + column.pointer);
        const double theirs = number(*sae.eval, pointer + column.pointer);
        if (!std::isfinite(ours) || !std::isfinite(theirs) || theirs > ours) continue;
        any = true;
        html.open("li").text(sae.title() + ": control “" + name + "” has the better " +
                             column.head + ", ");
        html.raw(bound_estimate(*sae.eval, pointer + column.pointer, column.format))
            .text(" against ");
        html.raw(
            bound_estimate(*sae.eval, std::string("/table/0") + column.pointer, column.format));
        if (name == "shuffled")
          html.text(" (of another model, on that model's own frames: not the same task)");
        html.text(".").close();
      }
    }
  }
  if (!any) html.leaf("li", "No control matches its SAE in FVU, KL or WER.");
  html.close();
}

void write_plots(Html& html, const RunFiles& run) {
  std::vector<Series> loss, dead, rates, grid;
  std::vector<IntervalRow> kl;
  std::set<std::string> drawn;
  for (const SaeFiles& sae : run.saes) {
    if (const auto curve = sae.training.find("fvu"); curve != sae.training.end())
      loss.push_back({sae.title(), curve->second.x, curve->second.y});
    if (const auto curve = sae.training.find("dead"); curve != sae.training.end())
      dead.push_back({sae.title(), curve->second.x, curve->second.y});
    if (!sae.eval) continue;
    rates.push_back(rate_histogram(sae));
    grid.push_back({sae.title(),
                    {number(*sae.eval, "/table/0/fidelity/l0")},
                    {number(*sae.eval, "/table/0/fidelity/fvu")}});
    for (size_t i = 0; i < table_of(*sae.eval).size(); ++i) {
      const std::string pointer = "/table/" + std::to_string(i) + "/spliced/kl";
      std::string name = row_name(table_of(*sae.eval)[i]);
      if (i > 0) name += ", " + sae.site;
      // SAEs of one site share their controls: each is drawn once.
      if (has(*sae.eval, pointer) && drawn.insert(i == 0 ? sae.name : name).second)
        kl.push_back({i == 0 ? name + ", " + sae.site : name, number(*sae.eval, pointer),
                      number(*sae.eval, pointer + "/low"), number(*sae.eval, pointer + "/high")});
    }
  }
  html.open("div", {{"class", "charts"}});
  if (!loss.empty())
    html.raw(
        line_chart("Training: variance not explained", loss, {"step"}, {"FVU of the batch", true}));
  if (!dead.empty()) html.raw(line_chart("Training: dead features", dead, {"step"}, {"features"}));
  if (!rates.empty())
    html.raw(line_chart("How often features fire that do", rates, {"log10 of firing rate"},
                        {"features"}));
  if (!grid.empty())
    html.raw(dot_chart("The grid: sparsity against fidelity", grid, {"L0"}, {"FVU"}));
  if (!kl.empty())
    html.raw(
        interval_chart("Spliced into the model: KL per token, nats", kl, {"KL, 95 % interval"}));
  html.close();
}

}  // namespace otoscope::serve
