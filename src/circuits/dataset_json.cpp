#include <nlohmann/json.hpp>

#include "otoscope/circuits/dataset.h"
#include "otoscope/io/estimate.h"
#include "otoscope/io/json.h"

namespace otoscope::circuits {
namespace {

using io::OrderedJson;

OrderedJson site_json(const DatasetSite& site) {
  OrderedJson out;
  out["site"] = site.site;
  out["sae"] = site.sae;
  out["features"] = site.features;
  out["all_features_to_reference"] = {{"predicted", site.predicted}, {"measured", site.measured}};
  out["error_effect"] = site.error_effect;
  OrderedJson& circuit = out["circuit"] = OrderedJson::array();
  for (const FeatureEffect& f : site.circuit)
    circuit.push_back({{"feature", f.feature},
                       {"effect", io::to_json(f.effect)},
                       {"magnitude", io::to_json(f.magnitude)},
                       {"activation", f.activation},
                       {"clips", f.clips},
                       {"same_sign", f.same_sign}});
  const CircuitChecks& c = site.checks;
  out["checks"] = {{"metric", io::to_json(c.whole)},
                   {"metric_without_features", io::to_json(c.none)},
                   {"effect", io::to_json(c.effect)},
                   {"faithfulness", io::to_json(c.faithfulness)},
                   {"completeness", io::to_json(c.completeness)},
                   {"random_faithfulness", io::to_json(c.random_faithfulness)},
                   {"random_draws", c.draws},
                   {"share_of_draws_beaten", c.beats_random}};
  const auto changes = [](const std::vector<std::pair<int32_t, Estimate>>& features) {
    OrderedJson list = OrderedJson::array();
    for (const auto& [feature, change] : features)
      list.push_back({{"feature", feature}, {"change", io::to_json(change)}});
    return list;
  };
  out["removed"] = changes(site.removed);
  out["removed_at_random"] = changes(site.removed_at_random);
  const Stability& s = site.stability;
  out["stability"] = {{"size", s.k},
                      {"bootstrap_jaccard", io::to_json(s.bootstrap)},
                      {"fifth_smaller", s.smaller},
                      {"fifth_larger", s.larger},
                      {"chance_jaccard", s.chance}};
  OrderedJson& again = out["again"] = OrderedJson::array();
  for (const auto& [what, value] : site.again)
    again.push_back({{"what", what}, {"jaccard", value}});
  return out;
}

}  // namespace

OrderedJson to_json(const DatasetCircuit& circuit, const DatasetOptions& options) {
  OrderedJson out;
  out["schema"] = "otoscope.dataset-circuit";
  out["version"] = 1;
  out["kind"] = "attribution with residual SAEs, not an exact graph";
  out["metric"] = circuit.metric;
  out["reference"] = options.reference;
  out["steps"] = options.steps;
  out["chosen_on"] = {{"clips", circuit.chosen_on}, {"clusters", circuit.clusters}};
  out["tested_on"] = {{"clips", circuit.tested_on}, {"clusters", circuit.test_clusters}};
  out["sites"] = OrderedJson::array();
  for (const DatasetSite& site : circuit.sites) out["sites"].push_back(site_json(site));
  return out;
}

}  // namespace otoscope::circuits
