#include "otoscope/serve/audit_page.h"

#include <nlohmann/json.hpp>

#include "otoscope/audit/cases.h"
#include "otoscope/audit/schema.h"
#include "otoscope/audit/verify.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"
#include "otoscope/core/version.h"
#include "otoscope/io/file.h"
#include "otoscope/serve/check.h"
#include "serve/audit.h"
#include "serve/bound_table.h"
#include "serve/example.h"

namespace otoscope::embedded {
extern const std::string_view report_css;
}

namespace otoscope::serve {
namespace {

constexpr size_t kFailing = 6, kPassing = 3;

void write_case(Html& html, const io::Json& one, const std::filesystem::path& folder,
                Progress& progress) {
  html.open("figure", {{"class", "example"}});
  write_sound(html,
              {(folder / text_at(one, "audio")).lexically_normal().string(),
               one.at("offset").get<double>(), one.at("seconds").get<double>()},
              progress);
  html.open("figcaption");
  if (const std::string said = text_at(one, "reference"); !said.empty())
    html.open("span", {{"class", "said"}}).text("said: “" + said + "”").close();
  html.open("span", {{"class", "said"}}).text("heard: ");
  html.text(text_at(one, "text").empty() ? "nothing" : "“" + trimmed(text_at(one, "text")) + "”");
  html.close().open("span", {{"class", "said soft"}}).text(text_at(one, "id")).close();
  html.close().close();
}

/// Cases of one answer, each text once.
void write_cases(Html& html, const std::vector<io::Json>& cases, const std::string& answer,
                 size_t most, const std::filesystem::path& folder, Progress& progress) {
  std::vector<std::string> texts;
  bool any = false;
  for (const io::Json& one : cases) {
    if (text_at(one, "answer") != answer || texts.size() == most) continue;
    const std::string text = text_at(one, "normalised");
    if (std::find(texts.begin(), texts.end(), text) != texts.end()) continue;
    texts.push_back(text);
    if (!any)
      html.leaf("h3", answer == "fails" ? "It fails here" : "It does not fail here")
          .open("div", {{"class", "examples"}});
    any = true;
    write_case(html, one, folder, progress);
  }
  if (any) html.close();
}

std::vector<io::Json> read_cases(const std::filesystem::path& path) {
  std::vector<io::Json> cases;
  if (!std::filesystem::exists(path)) return cases;
  audit::for_each_case(
      io::read_file(path), path.string() + ":",
      [&](const io::Json& one, audit::Judgement::Answer, const std::string& where) {
        for (const char* key : {"offset", "seconds"}) io::number_at(one, key, where);
        cases.push_back(one);
      });
  return cases;
}

}  // namespace

AuditPage write_audit_page(const std::filesystem::path& path, Progress& progress) {
  const audit::RecordFiles files = audit::record_files(path);
  const Document record{files.record.filename().string(),
                        std::make_shared<io::Json>(io::read_json(files.record))};
  const auto problems = audit::record_problems(*record.json);
  if (!problems.empty())
    throw UserError(files.record.string(),
                    "expected an audit record, version 1 or 2: " + problems[0]);
  std::filesystem::path folder = files.record.parent_path();
  if (folder.empty()) folder = ".";
  Html html;
  html.raw("<!doctype html>\n").open("html", {{"lang", "en"}}).open("head");
  html.single("meta", {{"charset", "utf-8"}});
  html.single("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  html.leaf("title", text_at(*record.json, "claim_id"));
  html.open("style").raw(embedded::report_css).close().close();
  html.open("body").open("main").leaf(
      "h1", "Audit: " + text_at(record.json->at("failure_mode"), "title"));
  html.open("nav");
  for (const auto& [id, name] : {std::pair("rate", "Rate"),
                                 {"predictive", "Foretold"},
                                 {"causal", "Caused"},
                                 {"circuit", "Circuit"},
                                 {"cases", "Cases"},
                                 {"provenance", "Made of"}})
    html.leaf("a", name, {{"href", std::string("#") + id}});
  html.close();
  write_audit(html, record);
  html.leaf("h2", "Some cases", {{"id", "cases"}});
  const std::vector<io::Json> cases = read_cases(files.cases);
  if (cases.empty()) html.leaf("p", "The cases are not at hand.");
  write_cases(html, cases, "fails", kFailing, folder, progress);
  write_cases(html, cases, "passes", kPassing, folder, progress);
  html.leaf("p", "Made by otoscope " + std::string(kVersion) + " from the record.",
            {{"class", "soft"}});
  html.close().close().close();
  const std::string page = html.take();
  const ReportCheck check = check_report(page, folder);
  if (!check.problems.empty())
    throw UserError(files.record.string(),
                    "expected every number to equal the record, but " + check.problems[0],
                    "please report it");
  std::filesystem::path to = files.record;
  to.replace_extension(".html");
  io::write_file(to, page);
  return {to, static_cast<int64_t>(page.size()), check.numbers, players_in(page)};
}

}  // namespace otoscope::serve
