#include "otoscope/circuits/intervene.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "circuits/free_run.h"
#include "circuits/nano_circuit.h"

using namespace otoscope;
using namespace otoscope::circuits;
using namespace otoscope::testing;

namespace {

struct Tested : NanoTrace {
  explicit Tested(const TraceOptions& options = {})
      : NanoTrace(nano_transcoders(), 40, 3, options) {}
  GraphCircuit circuit(CircuitTestOptions options) const {
    return test_circuit(frozen, nano(), clip.mel, clip.tokens, transcoders, targets, graph,
                        options);
  }
  std::vector<Intervention> edits(double strength, int nodes = 6) const {
    InterventionOptions options;
    options.nodes = nodes, options.strength = strength;
    return intervene(frozen, nano(), clip.mel, clip.tokens, transcoders, targets, graph, options);
  }
};

CircuitTestOptions few() {
  CircuitTestOptions options;
  options.draws = 4, options.free_draws = 2, options.steps = 4, options.tested = 5;
  return options;
}

}  // namespace

TEST_CASE("with all else held a feature's children change by its edges, at any strength") {
  const Tested t;
  for (const double strength : {0.0, -1.0, 2.0}) {
    CAPTURE(strength);
    const auto tests = t.edits(strength);
    REQUIRE(tests.size() == 6);
    for (const Intervention& test : tests) {
      const Response& held = test.responses.at(0);
      REQUIRE(held.freedom == Freedom::constrained);
      REQUIRE(held.children > 0);
      if (held.children >= kFewChildren) {
        CHECK(held.r > 0.9999);
        CHECK(held.slope == doctest::Approx(1).epsilon(2e-3));
        CHECK(held.control_r < 0.9);  // other nodes' edits do not do the same
      } else {
        CHECK(std::isnan(held.r));
      }
      CHECK(held.logit_measured == doctest::Approx(held.logit_predicted).epsilon(2e-3).scale(1e-3));
      CHECK(held.controls == 2);
    }
    const auto sums = summarise(tests);
    REQUIRE(sums.size() == 3);
    CHECK(sums[0].nodes == 6);
    CHECK(sums[0].logit_r > 0.999);
    CHECK(sums[2].freedom == Freedom::free);
  }
}

TEST_CASE("a node without controls has none, and they are left out of the mean") {
  const Tested t;
  InterventionOptions options;
  options.nodes = 2, options.controls = 0;
  auto tests = intervene(t.frozen, nano(), t.clip.mel, t.clip.tokens, t.transcoders, t.targets,
                         t.graph, options);
  for (const InterventionSummary& sum : summarise(tests)) {
    CHECK(std::isnan(sum.control_sign));
    CHECK(std::isnan(sum.control_logit));
    CHECK(std::isfinite(sum.sign));
  }
  tests[0].responses[2].control_sign = .25, tests[0].responses[2].control_logit = 2;
  CHECK(summarise(tests)[2].control_sign == doctest::Approx(.25));
  CHECK(summarise(tests)[2].control_logit == doctest::Approx(2));
  CHECK(checks_json(t.graph, tests, t.circuit(few())).dump().find("nan") == std::string::npos);
}

TEST_CASE("an edit of nothing changes nothing, in the real model too") {
  const Tested t;
  for (const Intervention& test : t.edits(1.0, 2))
    for (const Response& response : test.responses) CHECK(std::abs(response.logit_measured) < 1e-4);
}

TEST_CASE("all features are a faithful circuit, and none of the others is complete") {
  TraceOptions everything;
  everything.node_share = 1, everything.edge_share = 1;
  const Tested t(everything);
  GraphCircuit circuit = t.circuit(few());
  REQUIRE(circuit.scores.size() == 5);
  CHECK(circuit.scores[0].name == "graph");
  // The whole replacement model is the real one.
  CHECK(circuit.all == doctest::Approx(circuit.free_all).epsilon(1e-4));
  CHECK(circuit.all != doctest::Approx(circuit.none).epsilon(1e-3));
  int64_t active = t.graph.figures.active_features;
  if (circuit.scores[0].features == active) {
    CHECK(circuit.scores[0].faithfulness == doctest::Approx(1).epsilon(1e-3));
    CHECK(circuit.scores[0].completeness == doctest::Approx(0).scale(1).epsilon(1e-3));
  }
  const Tested small;
  circuit = small.circuit(few());
  CHECK(circuit.scores[0].features < active);
  CHECK(circuit.scores[0].features > 0);
  for (const CircuitScore& score : circuit.scores)
    CHECK(score.features == circuit.scores[0].features);
  CHECK(circuit.random_low <= circuit.random_high);
  CHECK(circuit.tested > 0);
  CHECK(circuit.needed >= 0);
  CHECK(circuit.needed <= 1);
}

TEST_CASE("gradient x activation is the slope of the real model, and its integral the difference") {
  const Tested t;
  const Sources sources = list_sources(t.frozen, t.transcoders, t.graph.pool, t.graph.gap, 0);
  const Replacement replacement(t.frozen, t.transcoders, sources);
  const FreeModel free(t.frozen, nano(), t.clip.mel, t.clip.tokens, t.transcoders, replacement);
  const TargetReader reader(nano(), t.transcoders, sources, t.targets, t.graph);
  const auto metric = [&](const Replacement::Gate& gate) {
    const model::Recorder seen = free.run(gate, false);
    return reader.metric([&](const model::Site& site) { return seen.last(site).view().sub(0); });
  };
  const auto effects = effects_of(free.mean_gradients(t.targets, 1), t.transcoders, sources);
  // The strongest feature of each layer, moved both ways by a twentieth.
  int tested = 0;
  for (int l = 0; l < t.transcoders.layers(); ++l) {
    size_t best = effects.size();
    for (size_t i = 0; i < effects.size(); ++i)
      if (sources.nodes[i].layer == l &&
          (best == effects.size() || std::abs(effects[i]) > std::abs(effects[best])))
        best = i;
    if (best == effects.size()) continue;
    const Node& node = sources.nodes[best];
    const auto scaled = [&](float by) {
      return metric([&, by](int layer, int64_t p, int32_t f, float value) {
        return layer == l && f == node.feature && p >= node.begin && p < node.end ? by * value
                                                                                  : value;
      });
    };
    const double slope = (scaled(1.05f) - scaled(0.95f)) / 0.1;
    CHECK(slope == doctest::Approx(effects[best]).epsilon(0.05).scale(1e-3));
    ++tested;
  }
  CHECK(tested == 3);
  const auto integrated = effects_of(free.mean_gradients(t.targets, 64), t.transcoders, sources);
  double sum = 0;
  for (const double e : integrated) sum += e;
  const double whole = metric([](int, int64_t, int32_t, float v) { return v; }) -
                       metric([](int, int64_t, int32_t, float) { return 0.0f; });
  CHECK(sum == doctest::Approx(whole).epsilon(0.05));
}

TEST_CASE("the checks as JSON say what was tested and give null for what could not be measured") {
  const Tested t;
  const auto tests = t.edits(0, 3);
  const nlohmann::ordered_json json = checks_json(t.graph, tests, t.circuit(few()));
  CHECK(json["schema"] == "otoscope.trace-checks");
  CHECK(json["sums"]["hold"] == true);
  CHECK(json["interventions"].size() == 3);
  CHECK(json["summary"].size() == 3);
  CHECK(json["circuit"]["scores"].size() == 5);
  for (const auto& one : json["interventions"])
    if (one["constrained"]["children"] < kFewChildren) CHECK(one["constrained"]["r"].is_null());
  CHECK(json.dump().find("nan") == std::string::npos);
}
