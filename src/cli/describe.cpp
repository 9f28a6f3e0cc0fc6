#include "otoscope/features/describe.h"

#include <fmt/core.h>

#include <cmath>
#include <optional>

#include <nlohmann/json.hpp>

#include "cli/verb.h"
#include "otoscope/audio/label_lines.h"
#include "otoscope/features/model_names.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::cli {
namespace {

struct DescribeVerbOptions {
  std::string sae, activations, find;
  features::DescribeOptions describe;
  features::ModelNameOptions names;

  template <class Self, class Visit>
  static void visit(Self& o, Visit&& v) {
    v("sae", o.sae, "folder of the SAE; features.sqlite is written into it");
    v("activations", o.activations, "store of the site that the SAE was trained on");
    v("split", o.describe.split, "rows that rates and associations are counted on",
      Choices{{"test", "dev", "train", "all"}});
    v("shifted", o.describe.shifted,
      "stores of the same test clips for the shift test: the unshifted one first, then those at "
      "other offsets");
    v("examples", o.describe.examples, "strongest examples kept per feature, one a clip",
      Range{1, 100});
    v("per-quantile", o.describe.per_quantile, "examples from each fifth of a feature's values",
      Range{0, 20});
    v("labels", o.describe.labels,
      "labels of the store's clips (otoscope label writes them): name the features by them");
    v("controls", o.describe.controls.controls,
      "what is named beside the features: shuffled-labels, shuffled-model, random, neurons, mel, "
      "probe; none; all that can be without it");
    v("shuffled-sae", o.describe.controls.shuffled_sae,
      "an SAE of the model with shuffled weights, for its control");
    v("shuffled-activations", o.describe.controls.shuffled_activations, "the store it is of");
    features::MeaningOptions::visit(o.describe.meaning, v);
    features::ModelNameOptions::visit(o.names, v);
    v("find", o.find,
      "do not describe: list features whose name, labels or examples' texts hold these words");
  }
};

class Describe : public VerbWith<DescribeVerbOptions> {
 public:
  std::string example() const override {
    return "describe --sae runs/demo/sae/out-batchtopk --activations "
           "runs/demo/activations/encoder.out";
  }

  int run(const Context& context) override {
    if (!options_.find.empty()) return find(context);
    options_.describe.seed = context.common.seed;
    const sae::Sae sae = sae::load(options_.sae);
    const store::Store store = store::Store::open(options_.activations);
    const auto summary = features::describe(sae, store, options_.describe, context.progress);
    std::optional<features::ModelNameSummary> names;
    if (!options_.names.endpoint.empty()) {
      options_.names.seed = context.common.seed;
      std::vector<audio::ClipLabels> labels;
      if (!options_.describe.labels.empty())
        labels = audio::read_label_lines(options_.describe.labels);
      names = features::name_by_model(summary.database, sae, store, labels, options_.names,
                                      context.progress);
    }
    if (context.common.json) {
      nlohmann::ordered_json json{{"database", summary.database.string()},
                                  {"features", summary.features},
                                  {"dead", summary.dead},
                                  {"dense", summary.dense},
                                  {"position_bound", summary.position_bound},
                                  {"shift_measured", summary.with_shift},
                                  {"rows", summary.rows},
                                  {"items", summary.items},
                                  {"clusters", summary.clusters}};
      if (!summary.columns.empty()) json["categories"] = summary.categories.string();
      if (names)
        json["model_names"] = {{"model", names->model},
                               {"named", names->named},
                               {"unusable_answers", names->unusable},
                               {"own", io::to_json(names->own)},
                               {"rule", io::to_json(names->rule)},
                               {"shuffled", io::to_json(names->shuffled)},
                               {"own_over_rule", io::to_json(names->over_rule)},
                               {"own_over_shuffled", io::to_json(names->over_shuffled)}};
      context.print(json.dump(1));
      return 0;
    }
    context.print(
        fmt::format("{}: {} features on {} {} rows of {} clips ({} clusters by {})\n"
                    "  {} never fired, {} dense, {} position-bound of {} with a shift test",
                    summary.database.string(), summary.features, summary.rows,
                    options_.describe.split, summary.items, summary.clusters, summary.clusters_by,
                    summary.dead, summary.dense, summary.position_bound, summary.with_shift));
    if (!summary.columns.empty())
      context.print(
          fmt::format("\n{}\n{}", summary.categories.string(), table_of(summary.columns)));
    if (names) context.print("\n" + table_of(*names));
    return 0;
  }

 private:
  /// Counts by category, a column for the features and one for each control.
  static std::string table_of(const std::vector<features::Column>& columns) {
    std::vector<std::vector<std::string>> rows = {{"category"}};
    for (const auto& column : columns) rows[0].push_back(column.name);
    rows[0].emplace_back("standing");
    for (int c = 0; c < features::kCategories; ++c) {
      const auto category = static_cast<features::Category>(c);
      std::vector<std::string> row = {std::string(features::category_name(category))};
      for (const auto& column : columns)
        row.push_back(std::to_string(column.counts[static_cast<size_t>(c)]));
      row.push_back(features::is_named(category) ? features::standing(columns, category) : "");
      rows.push_back(std::move(row));
    }
    return text_table(rows);
  }

  static std::string table_of(const features::ModelNameSummary& names) {
    const auto cells = [](const std::string& name, const Estimate& estimate) {
      return std::vector<std::string>{
          name, std::isfinite(estimate.value) ? fmt::format("{:.3f}", estimate.value) : "-",
          std::isfinite(estimate.low) ? fmt::format("[{:.3f}, {:.3f}]", estimate.low, estimate.high)
                                      : "-",
          std::to_string(estimate.clusters)};
    };
    return fmt::format("{} named {} features ({} answers were unusable)\n", names.model,
                       names.named, names.unusable) +
           text_table({{"moments of test told apart", "balanced accuracy", "95 %", "features"},
                       cells("by its name", names.own),
                       cells("by the rule-made name", names.rule),
                       cells("by another feature's name", names.shuffled),
                       cells("name less rule-made name", names.over_rule),
                       cells("name less another's", names.over_shuffled)});
  }

  int find(const Context& context) const {
    const auto found =
        features::search(std::filesystem::path(options_.sae) / "features.sqlite", options_.find);
    if (context.common.json) {
      nlohmann::ordered_json list = nlohmann::ordered_json::array();
      for (const auto& one : found)
        list.push_back(
            {{"feature", one.feature},
             {"hits", one.hits},
             {"examples", one.examples},
             {"rate", one.rate},
             {"shift_share", one.shift_share < 0 ? nlohmann::ordered_json()
                                                 : nlohmann::ordered_json(one.shift_share)},
             {"text", one.example_text},
             {"category", one.category},
             {"name", one.name}});
      context.print(list.dump(1));
      return 0;
    }
    std::vector<std::vector<std::string>> rows = {
        {"feature", "hits", "rate", "shift", "name", "one example"}};
    for (const auto& one : found)
      rows.push_back({std::to_string(one.feature), fmt::format("{} of {}", one.hits, one.examples),
                      fmt::format("{:.5f}", one.rate),
                      one.shift_share < 0 ? "-" : fmt::format("{:.2f}", one.shift_share),
                      one.name.empty() ? one.category : one.name, one.example_text.substr(0, 40)});
    context.print(found.empty() ? "no feature has such a name, label or example"
                                : text_table(rows));
    return 0;
  }
};

}  // namespace

std::unique_ptr<Verb> make_describe() { return std::make_unique<Describe>(); }

}  // namespace otoscope::cli
