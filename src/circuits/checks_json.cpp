#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/circuits/intervene.h"
#include "otoscope/io/json.h"

namespace otoscope::circuits {
namespace {

using io::OrderedJson;

/// JSON has no NaN: null says that there was too little to measure.
OrderedJson number(double value) {
  return std::isfinite(value) ? OrderedJson(value) : OrderedJson(nullptr);
}

OrderedJson sums(const Graph& graph) {
  return {{"targets", graph.check.targets},
          {"worst", graph.check.worst},
          {"worst_allowed", SumCheck::kWorst},
          {"worst_logit", graph.check.worst_logit},
          {"worst_logit_allowed", SumCheck::kWorstLogit},
          {"hold", graph.check.holds()}};
}

OrderedJson response_json(const Response& r) {
  return {{"children", r.children},
          {"r", number(r.r)},
          {"slope", number(r.slope)},
          {"same_sign", number(r.sign)},
          {"logit_predicted", r.logit_predicted},
          {"logit_measured", r.logit_measured},
          {"control_r", number(r.control_r)},
          {"control_same_sign", number(r.control_sign)},
          {"control_logit", number(r.control_logit)},
          {"controls", r.controls}};
}

OrderedJson summary_json(const InterventionSummary& s) {
  return {{"mode", freedom_name(s.freedom)},
          {"nodes", s.nodes},
          {"nodes_with_correlation", s.correlated},
          {"controls", s.controls},
          {"r", number(s.r)},
          {"slope", number(s.slope)},
          {"same_sign", number(s.sign)},
          {"control_r", number(s.control_r)},
          {"control_same_sign", number(s.control_sign)},
          {"logit_r", number(s.logit_r)},
          {"logit_change", number(s.logit_change)},
          {"control_logit_change", number(s.control_logit)}};
}

OrderedJson circuit_json(const GraphCircuit& circuit) {
  OrderedJson out;
  out["metric"] = {{"all", circuit.all}, {"without_features", circuit.none}};
  out["metric_free"] = {{"all", circuit.free_all}, {"without_features", circuit.free_none}};
  out["sum_of_integrated_gradients"] = circuit.integrated;
  out["scores"] = OrderedJson::array();
  for (const CircuitScore& score : circuit.scores)
    out["scores"].push_back({{"name", score.name},
                             {"features", score.features},
                             {"faithfulness", number(score.faithfulness)},
                             {"completeness", number(score.completeness)},
                             {"free_faithfulness", number(score.free_faithfulness)},
                             {"free_completeness", number(score.free_completeness)}});
  out["random_faithfulness_range"] = {circuit.random_low, circuit.random_high};
  out["random_draws"] = circuit.draws;
  out["random_draws_free"] = circuit.free_draws;
  out["minimality"] = {{"tested", circuit.tested}, {"share_beyond_random", circuit.needed}};
  return out;
}

}  // namespace

OrderedJson checks_json(const Graph& graph, std::span<const Intervention> tests,
                        const GraphCircuit& circuit) {
  OrderedJson out;
  out["schema"] = "otoscope.trace-checks";
  out["version"] = 1;
  out["model"] = graph.model;
  out["audio"] = graph.audio;
  out["target"] = graph.target_text;
  out["sums"] = sums(graph);
  out["summary"] = OrderedJson::array();
  for (const InterventionSummary& s : summarise(tests)) out["summary"].push_back(summary_json(s));
  out["interventions"] = OrderedJson::array();
  for (const Intervention& test : tests) {
    OrderedJson one = {{"node", node_id(graph, test.node)}, {"strength", test.strength}};
    for (const Response& r : test.responses)
      one[std::string(freedom_name(r.freedom))] = response_json(r);
    out["interventions"].push_back(one);
  }
  out["circuit"] = circuit_json(circuit);
  return out;
}

}  // namespace otoscope::circuits
