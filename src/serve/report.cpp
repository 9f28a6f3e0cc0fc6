#include "otoscope/serve/report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "otoscope/audio/label_lines.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/version.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/serve/check.h"
#include "serve/evaluation.h"
#include "serve/example.h"
#include "serve/facts.h"
#include "serve/feature_cards.h"
#include "serve/findings.h"
#include "serve/summary.h"

namespace otoscope::embedded {
extern const std::string_view report_css, report_js;
}

namespace otoscope::serve {
namespace {

constexpr int64_t kLargestPage = 25'000'000;

ChoiceOptions choice_of(const ReportOptions& options) {
  ChoiceOptions choice;
  const double scale = options.features / 26.0;
  const auto scaled = [&](int n) { return std::max(1, static_cast<int>(std::lround(n * scale))); };
  choice.words = scaled(8), choice.lot = scaled(6);
  choice.language = choice.sound = choice.bad = scaled(4);
  choice.examples = options.examples, choice.seed = options.seed;
  return choice;
}

constexpr int kLayout = 2;  // of the page and of report.json

/// What the page is made of: equal inputs give an equal page.
std::string inputs_of(const RunFiles& run, const ReportOptions& options) {
  std::string inputs = std::string("otoscope ") + kVersion + " layout " + std::to_string(kLayout) +
                       " features " + std::to_string(options.features) + " examples " +
                       std::to_string(options.examples) + " model " + options.model + " seed " +
                       std::to_string(options.seed);
  if (!options.labels.empty()) inputs += " labels " + io::sha256_file(options.labels);
  for (const SaeFiles& sae : run.saes)
    for (const char* name :
         {"cfg.json", "eval.json", "training.jsonl", "features.sqlite", "categories.json"})
      if (std::filesystem::exists(sae.folder / name))
        inputs += " " + io::sha256_file(sae.folder / name);
  for (const auto& [schema, documents] : run.findings)
    for (const Document& document : documents)
      inputs += " " + io::sha256_file(run.folder / document.file);
  for (const std::string& page : linked_pages(run)) inputs += " " + page;
  return io::sha256(inputs + std::string(embedded::report_css) + std::string(embedded::report_js));
}

/// The page that lies there, if it was made of the same inputs and still equals its files.
std::optional<ReportSummary> existing_report(const RunFiles& run, const std::string& inputs) {
  const std::filesystem::path page = run.folder / "report.html", facts = run.folder / "report.json";
  if (!std::filesystem::exists(page) || !std::filesystem::exists(facts)) return {};
  const std::string html = io::read_file(page);
  if (html.find("content=\"" + inputs + "\"") == std::string::npos) return {};
  const ReportCheck check = check_report(html, run.folder);
  if (!check.problems.empty()) return {};
  ReportSummary summary;
  summary.path = page;
  summary.bytes = static_cast<int64_t>(std::filesystem::file_size(page));
  summary.numbers = check.numbers;
  summary.saes = static_cast<int64_t>(run.saes.size());
  const io::Json json = io::read_json(facts);
  for (const io::Json& sae : json.at("saes")) {
    summary.features += static_cast<int64_t>(sae.at("features").size());
    for (const io::Json& category : sae.at("categories"))
      summary.features += static_cast<int64_t>(category.at("features").size());
  }
  summary.examples = players_in(html);
  return summary;
}

ReportSummary written(const std::filesystem::path& folder, const ReportOptions& options,
                      Progress& progress) {
  const RunFiles run = read_run(folder);
  const std::string inputs = inputs_of(run, options);
  if (const auto existing = existing_report(run, inputs)) {
    progress.note(existing->path.string() + ": already made of these files");
    return *existing;
  }
  std::vector<DescribedSae> described;
  for (const SaeFiles& sae : run.saes)
    if (sae.described && !sae.control())
      described.push_back(describe_for_report(sae, choice_of(options)));
  std::vector<audio::ClipLabels> labels;
  if (!options.labels.empty()) labels = audio::read_label_lines(options.labels);
  for (DescribedSae& sae : described)
    sae.words = time_words(all_features(sae), labels, options.model, progress);

  std::vector<DescribedSae> counted = controls_for_report(run);
  const Document facts{"report.json", std::make_shared<io::Json>(report_facts(described, counted))};
  io::write_json(folder / facts.file, *facts.json);

  ReportSummary summary;
  Html html;
  html.raw("<!doctype html>\n")
      .open("html", {{"lang", "en"}})
      .open("head")
      .single("meta", {{"charset", "utf-8"}});
  html.single("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  html.single("meta", {{"name", "otoscope-inputs"}, {"content", inputs}});
  html.leaf("title", "What the model hears")
      .open("style")
      .raw(embedded::report_css)
      .close()
      .close();
  html.open("body").open("main");
  html.leaf("h1",
            "What " +
                (described.empty() ? std::string("the model") : described[0].meta["model_name"]) +
                " hears");
  html.open("nav")
      .leaf("a", "Evaluation", {{"href", "#evaluation"}})
      .leaf("a", "Plots", {{"href", "#plots"}});
  if (has_findings(run)) html.leaf("a", "Meaning and cause", {{"href", "#meaning"}});
  html.leaf("a", "Features", {{"href", "#features"}})
      .leaf("a", "Failures and limits", {{"href", "#limits"}})
      .close();
  write_summary(html, run, facts);
  html.leaf("h2", "Evaluation, beside controls", {{"id", "evaluation"}});
  write_data(html, run);
  write_evaluation(html, run);
  html.leaf("h2", "Plots", {{"id", "plots"}});
  write_plots(html, run);
  if (has_findings(run)) {
    html.leaf("h2", "What features mean, and what they cause", {{"id", "meaning"}});
    write_findings(html, run, described, facts, progress);
  }
  html.leaf("h2", "Features worth meeting", {{"id", "features"}});
  html.leaf("p",
            "Click a picture to hear the clip: the curve is the feature's activation over the "
            "spectrogram, the dashed line its peak. Two thirds of "
            "the examples are the strongest; the others come from the weaker quantiles.");
  html.open("div", {{"class", "tools"}})
      .single("input", {{"id", "filter"},
                        {"type", "search"},
                        {"placeholder", "filter: a word, a language, position-bound …"}})
      .close();
  for (size_t i = 0; i < described.size(); ++i) {
    html.leaf("h3", described[i].files->title());
    write_feature_cards(html, described[i], facts, i, progress);
    summary.features += static_cast<int64_t>(all_features(described[i]).size());
  }
  html.leaf("h2", "Failures and limits", {{"id", "limits"}});
  write_limits(html, run);
  html.leaf("p", "Made by otoscope " + std::string(kVersion) + ".", {{"class", "soft"}});
  html.close().open("script").raw(embedded::report_js).close().close().close();
  const std::string page = html.take();

  const ReportCheck check = check_report(page, folder);
  if (!check.problems.empty())
    throw UserError(folder.string(),
                    "expected every number to equal its source, but " + check.problems[0] + " (" +
                        std::to_string(check.problems.size()) + " in all)",
                    "please report it");
  if (static_cast<int64_t>(page.size()) > kLargestPage)
    throw UserError("report.html",
                    "expected a page under 25 MB, got " + std::to_string(page.size()) + " bytes",
                    "use fewer --features or --examples");
  io::write_file(folder / "report.html", page);
  summary.path = folder / "report.html";
  summary.bytes = static_cast<int64_t>(page.size());
  summary.numbers = check.numbers;
  summary.saes = static_cast<int64_t>(run.saes.size());
  summary.examples = players_in(page);
  return summary;
}

}  // namespace

ReportSummary write_report(const std::filesystem::path& folder, const ReportOptions& options,
                           Progress& progress) {
  try {
    return written(folder, options, progress);
  } catch (const io::Json::exception& error) {
    throw UserError(
        folder.string(),
        std::string("expected the files of a run, got one of another form: ") + error.what(),
        "make the step's file again with this version");
  }
}

}  // namespace otoscope::serve
