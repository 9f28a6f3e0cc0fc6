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
  double r = 0;      // correlation
  double slope = 0;  // of measured on predicted
  double sign = 0;   // share of children whose change has the predicted sign
  double logit_predicted = 0, logit_measured = 0;  // of the first logit target
  /// The same predictions against what editing other nodes of the same layer does, mean of them:
  /// what agreement is by chance.
  double control_r = 0, control_sign = 0;
  int64_t controls = 0;
};

struct InterventionOptions {
  int nodes = 12;       // shown features with the most influence
  double strength = 0;  // times the activation: 0 ablates, -1 flips, 2 doubles
  int controls = 2;     // other features of the layer with the nearest activation, unconnected
  uint64_t seed = 0;
};

struct Intervention {
  int node = -1;
  double strength = 0;
  std::vector<Response> responses;  // by freedom
};

/// mel and tokens: those that `frozen` recorded. Interruptible.
std::vector<Intervention> intervene(const model::FrozenModel& frozen, const model::Whisper& model,
                                    View<const float> mel, View<const int64_t> tokens,
                                    const Transcoders& transcoders,
                                    std::span<const LogitTarget> targets, const Graph& graph,
                                    const InterventionOptions& options = {},
                                    Progress& progress = silent_progress());

/// Whether a set of features is enough, and needed, in the replacement model (attention frozen,
/// errors kept, features outside set to zero). M is the weighted sum of the targets' logits.
struct CircuitScore {
  std::string name;
  int64_t features = 0;
  double faithfulness = 0;  // (M(C) - M(0)) / (M(all) - M(0))
  double completeness = 0;  // the same with C removed and all else kept; near 0 is good
};
struct GraphCircuit {
  double all = 0, none = 0;                // M of everything, of no features
  std::vector<CircuitScore> scores;        // the graph's circuit, then its rivals of equal size
  double random_low = 0, random_high = 0;  // range of the random circuits' faithfulness
  int draws = 0;
  /// Minimality: M's change when one node of the circuit goes, against random features of equal
  /// number; share of the circuit's nodes beyond 95 % of those.
  int64_t tested = 0;
  double needed = 0;
};
GraphCircuit test_circuit(const model::FrozenModel& frozen, const model::Whisper& model,
                          const Transcoders& transcoders, std::span<const LogitTarget> targets,
                          const Graph& graph, int draws, uint64_t seed,
                          Progress& progress = silent_progress());

nlohmann::ordered_json to_json(const Graph& graph, const std::vector<Intervention>& tests);
nlohmann::ordered_json to_json(const GraphCircuit& circuit);

}  // namespace otoscope::circuits
