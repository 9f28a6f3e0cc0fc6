#include "serve/audit.h"

#include <nlohmann/json.hpp>

#include "otoscope/audit/report.h"
#include "serve/audit_mechanism.h"
#include "serve/bound_table.h"
#include "serve/chart.h"

namespace otoscope::serve {
namespace {

void write_statement(Html& html, const io::Json& record) {
  const io::Json& verdict = record.at("verdict");
  html.open("blockquote").leaf("p", text_at(record, "text")).close();
  html.open("p").text("Verdict: ").leaf("strong", text_at(verdict, "status"));
  html.text(" (“" + text_at(verdict, "wording") + "”); " + text_at(verdict, "why") + ".").close();
  write_tests(html, verdict.at("tests"));
}

void write_rate(Html& html, const Document& record) {
  const io::Json& rate = record.json->at("rate");
  html.leaf("h2", "How often", {{"id", "rate"}});
  const BoundColumn kColumns[] = {
      {"fail", "/k", "count", "cases in which the predicate holds"},
      {"of", "/n", "count", "cases that could be judged"},
      {"errors", "/errors", "count", "cases that could not: in no other number here"},
      {"clusters", "/clusters", "count", "what the interval resamples"},
      {"rate", "/estimate", "percent1", "95 % interval, clusters resampled"},
      {"as if independent", "/wilson", "percent1", "Wilson's interval"},
      {"errors as failures", "/errors_as_failures", "percent1", "the same, errors counted"}};
  std::vector<BoundRow> rows{{"all", "/rate/clips"}};
  for (size_t i = 0; i < rate.at("per_severity").size(); ++i)
    rows.push_back({text_at(rate["per_severity"][i], "severity"),
                    "/rate/per_severity/" + std::to_string(i) + "/rate", true});
  write_bound_table(html, record, "", rows, kColumns);
  if (!rate.contains("frequent_texts") || rate["frequent_texts"].empty()) return;
  html.open("p").text("What it wrote most often where it failed: ");
  for (size_t i = 0; i < rate["frequent_texts"].size(); ++i) {
    html.text(std::string(i > 0 ? ", “" : "“") + text_at(rate["frequent_texts"][i], "text") + "” ");
    html.raw(bound(record, "/rate/frequent_texts/" + std::to_string(i) + "/windows", "count"));
  }
  html.text(".").close();
}

void write_groups(Html& html, const Document& record) {
  const io::Json& groups = record.json->at("groups");
  const BoundColumn kColumns[] = {{"fail", "/rate/k", "count", ""},
                                  {"of", "/rate/n", "count", ""},
                                  {"rate", "/rate/estimate", "percent1", "95 % interval"},
                                  {"less the others", "/difference", "percent1", ""},
                                  {"p, adjusted", "/p_adjusted", "fixed3", "Benjamini-Hochberg"},
                                  {"word error rate", "/wer", "percent1", ""}};
  for (size_t g = 0; g < groups.size(); ++g) {
    html.leaf("h3", "By " + text_at(groups[g], "by"));
    std::vector<BoundRow> rows;
    for (size_t c = 0; c < groups[g].at("cells").size(); ++c)
      rows.push_back({text_at(groups[g]["cells"][c], "value"),
                      "/groups/" + std::to_string(g) + "/cells/" + std::to_string(c)});
    write_bound_table(html, record, "", rows, kColumns);
  }
}

void write_contexts(Html& html, const io::Json& contexts) {
  html.leaf("h2", "Contexts", {{"id", "contexts"}});
  if (!contexts.at("measured").get<bool>()) {
    html.leaf("p", "Not measured: " + text_at(contexts, "why") + ".");
    return;
  }
  html.open("ul");
  for (const io::Json& one : contexts.at("comparisons")) html.leaf("li", text_at(one, "sentence"));
  html.close();
}

void write_multiverse(Html& html, const Document& record) {
  const io::Json& m = record.json->at("multiverse");
  html.leaf("h2", "Analysis choices varied", {{"id", "multiverse"}});
  if (!m.at("measured").get<bool>()) {
    html.leaf("p", "Not measured: " + text_at(m, "why") + ".");
    return;
  }
  html.open("p").text("The verdict “" + text_at(m, "verdict_of_primary") + "” holds in ");
  html.raw(bound(record, "/multiverse/share_supporting", "percent0")).text(" of ");
  html.raw(bound(record, "/multiverse/n_specs", "count")).text(" analyses");
  if (has(record, "/multiverse/computable")) {
    html.text(", of which ").raw(bound(record, "/multiverse/computable", "count"));
    html.text(" could be computed");
  }
  html.text(".").close();
  html.open("ul");
  for (const io::Json& axis : m.at("axes")) {
    std::string values;
    for (const io::Json& value : axis.at("values"))
      values += (values.empty() ? "" : "; ") + value.get<std::string>();
    html.leaf("li", text_at(axis, "name") + ": " + values);
  }
  html.close();
}

void write_list(Html& html, const std::string& title, const io::Json& items) {
  html.leaf("h2", title).open("ul");
  for (const io::Json& item : items) html.leaf("li", item.get<std::string>());
  html.close();
}

void write_surfaces(Html& html) {
  html.leaf("h2", "Where such fields are asked for").leaf("p", audit::kSurfacesNote);
  html.open("div", {{"class", "scroll"}}).open("table").open("thead").open("tr");
  for (const char* head : {"field", "says", "could feed"})
    html.leaf("th", head, {{"scope", "col"}});
  html.close().close().open("tbody");
  for (const audit::Surface& one : audit::surfaces()) {
    html.open("tr").leaf("th", one.field, {{"scope", "row"}});
    html.leaf("td", one.gives).leaf("td", one.feeds).close();
  }
  html.close().close().close();
}

void write_provenance(Html& html, const io::Json& record) {
  const io::Json& from = record.at("provenance");
  html.leaf("h2", "Made of", {{"id", "provenance"}}).open("ul");
  const auto files = [&](const io::Json& some) {
    for (const io::Json& file : some) {
      html.open("li").text(text_at(file, "name") + " ");
      html.leaf("code", text_at(file, "sha256")).close();
    }
  };
  files(from.at("model").at("files"));
  for (const io::Json& sae : from.at("saes")) files(sae.at("files"));
  files(from.at("data"));
  html.close();
  html.leaf("p",
            "The predicate, by hash: " + text_at(record.at("failure_mode"), "predicate_sha256") +
                ". Where the record was signed, its envelope lies beside it: `otoscope audit "
                "verify` checks signature, hashes, schema and numbers, with --rerun by measuring "
                "again.",
            {{"class", "soft"}});
}

}  // namespace

void write_tests(Html& html, const io::Json& tests) {
  if (tests.empty()) return;
  html.open("ul");
  for (const io::Json& test : tests) {
    const bool passed = test.at("passed").get<bool>();
    html.open("li").leaf("span", passed ? "passed" : "failed",
                         {{"class", passed ? "tag" : "tag bad"}});
    html.text(" " + text_at(test, "name") + ": " + text_at(test, "says")).close();
  }
  html.close();
}

void write_audit_summary(Html& html, const Document& record, const std::string& page) {
  html.leaf("h3", "Audit: " + text_at(record.json->at("failure_mode"), "title"));
  write_statement(html, *record.json);
  html.open("p").text("The rate again, bound to the record: ");
  html.raw(bound_estimate(record, "/rate/clips/estimate", "percent1")).text(" of ");
  html.raw(bound(record, "/rate/clips/n", "count")).text(" clips.");
  if (!page.empty())
    html.text(" ").leaf("a", "The whole record as a page", {{"href", page}}).text(".");
  html.close();
}

void write_audit(Html& html, const Document& record) {
  const io::Json& json = *record.json;
  write_statement(html, json);
  write_rate(html, record);
  write_groups(html, record);
  write_search(html, record);
  write_predictive(html, record);
  write_causal(html, record);
  write_circuit(html, record);
  write_contexts(html, json.at("contexts"));
  write_multiverse(html, record);
  write_list(html, "What was not tested", json.at("not_tested"));
  write_list(html, "Limits", json.at("limits"));
  write_surfaces(html);
  write_provenance(html, json);
}

}  // namespace otoscope::serve
