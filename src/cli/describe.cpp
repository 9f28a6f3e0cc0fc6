#include "otoscope/features/describe.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "cli/verb.h"
#include "otoscope/io/json.h"

namespace otoscope::cli {
namespace {

struct DescribeVerbOptions {
  std::string sae, activations, find;
  features::DescribeOptions describe;

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
    v("find", o.find, "do not describe: list features whose examples' texts hold these words");
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
    const auto summary = features::describe(sae, store::Store::open(options_.activations),
                                            options_.describe, context.progress);
    if (context.common.json) {
      context.print(nlohmann::ordered_json{{"database", summary.database.string()},
                                           {"features", summary.features},
                                           {"dead", summary.dead},
                                           {"dense", summary.dense},
                                           {"position_bound", summary.position_bound},
                                           {"shift_measured", summary.with_shift},
                                           {"rows", summary.rows},
                                           {"items", summary.items},
                                           {"clusters", summary.clusters}}
                        .dump(1));
      return 0;
    }
    context.print(
        fmt::format("{}: {} features on {} {} rows of {} clips ({} clusters by {})\n"
                    "  {} never fired, {} dense, {} position-bound of {} with a shift test",
                    summary.database.string(), summary.features, summary.rows,
                    options_.describe.split, summary.items, summary.clusters, summary.clusters_by,
                    summary.dead, summary.dense, summary.position_bound, summary.with_shift));
    return 0;
  }

 private:
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
             {"text", one.example_text}});
      context.print(list.dump(1));
      return 0;
    }
    std::vector<std::vector<std::string>> rows = {
        {"feature", "hits", "rate", "shift", "one example"}};
    for (const auto& one : found)
      rows.push_back({std::to_string(one.feature), fmt::format("{} of {}", one.hits, one.examples),
                      fmt::format("{:.5f}", one.rate),
                      one.shift_share < 0 ? "-" : fmt::format("{:.2f}", one.shift_share),
                      one.example_text.substr(0, 40)});
    context.print(found.empty() ? "no feature has such an example" : text_table(rows));
    return 0;
  }
};

}  // namespace

std::unique_ptr<Verb> make_describe() { return std::make_unique<Describe>(); }

}  // namespace otoscope::cli
