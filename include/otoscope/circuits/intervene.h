#pragma once
/// Does the model do what the graph says (methods.md §6.7)? Nodes are edited, their children's
/// changes are compared with their edges; and the graph's features are a circuit only if the output
/// survives the loss of all others.

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/circuits/trace.h"

namespace otoscope::circuits {

/// What may follow an edit. constrained: nothing but its direct effect (all other MLP outputs as
/// recorded). iterative: transcoders downstream run again, attention and norms stay frozen. free:
/// the real model, nothing frozen; the only one that speaks about it.
enum class Freedom : uint8_t { constrained, iterative, free };
std::string_view freedom_name(Freedom freedom);

/// Changes of the edited node's children, predicted by its edges against measured.
struct Response {
  Freedom freedom = Freedom::constrained;
  int64_t children = 0;
  double r = 0;      // correlation; NaN for fewer than kFewChildren
  double slope = 0;  // of measured on predicted
  double sign = 0;   // share of children whose change has the predicted sign
  double logit_predicted = 0, logit_measured = 0;  // of the first logit target
  /// The same predictions against what editing other nodes of the same layer does, mean of them:
  /// what agreement is by chance. control_logit: mean |change| of the first logit target. NaN
  /// without controls.
  double control_r = 0, control_sign = 0, control_logit = 0;
  int64_t controls = 0;
};
/// Below so many points a correlation says nothing.
constexpr int64_t kFewChildren = 5;

struct InterventionOptions {
  int nodes = 12;       // shown features with the most influence
  double strength = 0;  // times the activation: 0 ablates, -1 flips, 2 doubles
  int controls = 2;     // other features of the layer, of those with the nearest activation
  uint64_t seed = 0;
};

struct Intervention {
  int node = -1;
  double strength = 0;
  std::vector<Response> responses;  // by freedom
};

/// Means over the nodes tested, by freedom; of controls, over the nodes that had any. r over nodes
/// with enough children (`correlated` of them); logit_r: over nodes, of the first logit target's
/// predicted and measured changes; r of fewer than kFewChildren points is NaN.
struct InterventionSummary {
  Freedom freedom = Freedom::constrained;
  int64_t nodes = 0, correlated = 0, controls = 0;
  double r = 0, slope = 0, sign = 0, control_r = 0, control_sign = 0;
  double logit_r = 0, logit_change = 0, control_logit = 0;  // the latter two: mean |change|
};
std::vector<InterventionSummary> summarise(std::span<const Intervention> tests);

/// mel and tokens: those that `frozen` recorded. Interruptible.
std::vector<Intervention> intervene(const model::FrozenModel& frozen, const model::Whisper& model,
                                    View<const float> mel, View<const int64_t> tokens,
                                    const Transcoders& transcoders,
                                    std::span<const LogitTarget> targets, const Graph& graph,
                                    const InterventionOptions& options = {},
                                    Progress& progress = silent_progress());

/// Whether a set of features is enough, and needed. M is the weighted sum of the targets' logits.
/// faithfulness and completeness: in the replacement model (attention frozen, errors kept, features
/// outside set to zero, the others computed again). free_*: in the real model, from whose MLP
/// outputs the recorded writes of the features outside are taken; nothing is frozen.
struct CircuitScore {
  std::string name;
  int64_t features = 0;
  double faithfulness = 0;  // (M(C) - M(0)) / (M(all) - M(0))
  double completeness = 0;  // the same with C removed and all else kept; near 0 is good
  double free_faithfulness = 0, free_completeness = 0;
};
struct CircuitTestOptions {
  int draws = 20;      // random circuits
  int free_draws = 5;  // of them also in the real model (a whole forward each)
  int steps = 10;      // of integrated gradients
  int tested = 40;     // nodes of the circuit removed one by one
  uint64_t seed = 0;
};
struct GraphCircuit {
  double all = 0, none = 0;            // M of everything, of no features
  double free_all = 0, free_none = 0;  // in the real model
  /// The graph's circuit, then its rivals of equal size: gradient x activation and integrated
  /// gradients of the real model, largest activations, random ones (their mean).
  std::vector<CircuitScore> scores;
  double random_low = 0, random_high = 0;  // range of the random circuits' faithfulness
  int draws = 0, free_draws = 0;
  /// Sum of the integrated gradients of all features; free_all - free_none if the integral were
  /// exact.
  double integrated = 0;
  /// Minimality: M's change when one node of the circuit goes, against random features of equal
  /// number; share of the circuit's nodes beyond 95 % of those.
  int64_t tested = 0;
  double needed = 0;
};
GraphCircuit test_circuit(const model::FrozenModel& frozen, const model::Whisper& model,
                          View<const float> mel, View<const int64_t> tokens,
                          const Transcoders& transcoders, std::span<const LogitTarget> targets,
                          const Graph& graph, const CircuitTestOptions& options = {},
                          Progress& progress = silent_progress());

/// Schema otoscope.trace-checks: the sums, the interventions and their summary, the circuit.
nlohmann::ordered_json checks_json(const Graph& graph, std::span<const Intervention> tests,
                                   const GraphCircuit& circuit);

}  // namespace otoscope::circuits
