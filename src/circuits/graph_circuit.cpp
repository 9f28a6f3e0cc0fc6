#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "circuits/replacement.h"
#include "otoscope/circuits/intervene.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"

namespace otoscope::circuits {
namespace {

using Set = std::vector<uint8_t>;  // by feature node

/// Looks up the node of an entry of codes that may be new (features that fire only after an edit
/// belong to no node: they are outside every circuit).
class NodeOf {
 public:
  NodeOf(const Sources& sources, int layers) : by_layer_(static_cast<size_t>(layers)) {
    for (size_t i = 0; i < sources.members.size(); ++i)
      for (const Sources::Member& member : sources.members[i])
        by_layer_[static_cast<size_t>(sources.nodes[i].layer)].emplace_back(
            key(member.position, sources.nodes[i].feature), static_cast<int32_t>(i));
    for (auto& list : by_layer_) std::sort(list.begin(), list.end());
  }
  int32_t operator()(int layer, int64_t position, int32_t feature) const {
    const auto& list = by_layer_[static_cast<size_t>(layer)];
    const std::pair<int64_t, int32_t> wanted{key(position, feature), -1};
    const auto found = std::lower_bound(list.begin(), list.end(), wanted);
    return found == list.end() || found->first != wanted.first ? -1 : found->second;
  }

 private:
  static int64_t key(int64_t position, int32_t feature) { return (position << 32) | feature; }
  std::vector<std::vector<std::pair<int64_t, int32_t>>> by_layer_;
};

/// Total effect of every feature on M with gates held: gradient times activation of the replacement
/// model, by sums over paths. (Runs pass on what they get in the proportions recorded.)
std::vector<double> gradient_times_activation(const Graph& graph) {
  std::vector<double> effect = graph.adjacency.weight, total(effect.size()), next(effect.size());
  for (size_t step = 0; step <= graph.nodes.size(); ++step) {
    std::fill(next.begin(), next.end(), 0.0);
    bool moved = false;
    for (size_t t = 0; t < effect.size(); ++t) {
      if (effect[t] == 0) continue;
      const Node& node = graph.nodes[t];
      // effect[t]: change of M when t vanishes; an edge is its share of t's activation.
      const double unit = node.kind == NodeKind::logit
                              ? effect[t]
                              : effect[t] / std::max(std::fabs(node.pre_activation), 1e-6);
      for (const Edge& edge : graph.adjacency.rows[t]) {
        next[static_cast<size_t>(edge.source)] += unit * edge.weight;
        moved = true;
      }
    }
    if (!moved) break;
    for (size_t i = 0; i < total.size(); ++i) total[i] += next[i];
    std::swap(effect, next);
  }
  return total;
}

class CircuitTest {
 public:
  CircuitTest(const model::FrozenModel& frozen, const model::Whisper& model,
              const Transcoders& transcoders, std::span<const LogitTarget> targets,
              const Graph& graph)
      : sources_(list_sources(frozen, transcoders, graph.pool, graph.gap)),
        replacement_(frozen, transcoders, sources_),
        reader_(model, transcoders, sources_, targets, graph),
        node_of_(sources_, transcoders.layers()) {}

  int64_t features() const { return sources_.features; }
  const Node& node(size_t i) const { return sources_.nodes[i]; }

  /// M when only (or all but) a set is alive; features without a node follow the others.
  double metric(const Set& set, bool keep) const {
    throw_if_interrupted();
    const auto values = replacement_.run([&](int layer, int64_t t, int32_t feature, float value) {
      const int32_t node = node_of_(layer, t, feature);
      const bool inside = node >= 0 && set[static_cast<size_t>(node)];
      return inside == keep ? value : 0.0f;
    });
    return reader_.metric([&](const model::Site& site) { return values.at(site); });
  }

 private:
  const Sources sources_;
  const Replacement replacement_;
  const TargetReader reader_;
  NodeOf node_of_;
};

/// As many of each layer as `set` has, at random.
Set random_like(const CircuitTest& test, const Set& set, Rng& rng) {
  std::vector<std::vector<size_t>> by_layer;
  std::vector<size_t> wanted;
  for (size_t i = 0; i < set.size(); ++i) {
    const auto layer = static_cast<size_t>(test.node(i).layer);
    if (by_layer.size() <= layer) by_layer.resize(layer + 1), wanted.resize(layer + 1);
    by_layer[layer].push_back(i);
    wanted[layer] += set[i];
  }
  Set out(set.size());
  for (size_t l = 0; l < by_layer.size(); ++l) {
    const std::vector<int64_t> order = rng.permutation(static_cast<int64_t>(by_layer[l].size()));
    for (size_t i = 0; i < wanted[l]; ++i) out[by_layer[l][static_cast<size_t>(order[i])]] = 1;
  }
  return out;
}

/// The `count` features with the largest score.
Set largest(const std::vector<double>& score, int64_t features, int64_t count) {
  std::vector<int64_t> order(static_cast<size_t>(features));
  for (int64_t i = 0; i < features; ++i) order[static_cast<size_t>(i)] = i;
  std::partial_sort(order.begin(), order.begin() + count, order.end(), [&](int64_t a, int64_t b) {
    const double x = std::fabs(score[static_cast<size_t>(a)]),
                 y = std::fabs(score[static_cast<size_t>(b)]);
    return x != y ? x > y : a < b;
  });
  Set set(static_cast<size_t>(features));
  for (int64_t i = 0; i < count; ++i) set[static_cast<size_t>(order[static_cast<size_t>(i)])] = 1;
  return set;
}

}  // namespace

GraphCircuit test_circuit(const model::FrozenModel& frozen, const model::Whisper& model,
                          const Transcoders& transcoders, std::span<const LogitTarget> targets,
                          const Graph& graph, int draws, uint64_t seed, Progress& progress) {
  const CircuitTest test(frozen, model, transcoders, targets, graph);
  const int64_t features = test.features();
  Set circuit(static_cast<size_t>(features));
  std::vector<double> by_influence(circuit.size()), by_activation(circuit.size());
  int64_t size = 0;
  for (size_t i = 0; i < circuit.size(); ++i) {
    circuit[i] = graph.pruned.node[i];
    size += circuit[i];
    by_influence[i] = graph.nodes[i].influence;
    by_activation[i] = graph.nodes[i].activation;
  }
  GraphCircuit out;
  out.all = test.metric(Set(circuit.size()), false);
  out.none = test.metric(Set(circuit.size()), true);
  const auto share = [&](double m) {
    const double whole = out.all - out.none;
    return whole == 0 ? 0.0 : (m - out.none) / whole;
  };
  const auto score = [&](const char* name, const Set& set) {
    out.scores.push_back({name, std::count(set.begin(), set.end(), uint8_t{1}),
                          share(test.metric(set, true)), share(test.metric(set, false))});
  };
  constexpr int64_t kTested = 40;
  progress.start("testing the circuit", 4 + draws + 2 * kTested, "runs");
  score("graph", circuit);
  score("largest gradient x activation", largest(gradient_times_activation(graph), features, size));
  score("largest activation", largest(by_activation, features, size));
  progress.advance(4);

  Rng rng(seed, "random circuits");
  CircuitScore mean{"random, equal size in each layer", size, 0, 0};
  out.draws = draws;
  for (int i = 0; i < draws; ++i) {
    const Set set = random_like(test, circuit, rng);
    const double f = share(test.metric(set, true));
    mean.faithfulness += f / draws;
    mean.completeness += share(test.metric(set, false)) / draws;
    out.random_low = i == 0 ? f : std::min(out.random_low, f);
    out.random_high = i == 0 ? f : std::max(out.random_high, f);
    progress.advance(5 + i);
  }
  if (draws > 0) out.scores.push_back(mean);

  // Minimality: one node at a time leaves, the others (inside or outside) stay.
  const auto loss = [&](size_t node) {
    Set one(circuit.size());
    one[node] = 1;
    return std::fabs(test.metric(one, false) - out.all);
  };
  const Set strongest = largest(by_influence, features, std::min(size, kTested));
  const Set random = random_like(test, strongest, rng);
  std::vector<double> chance, losses;
  for (size_t i = 0; i < circuit.size(); ++i) {
    if (random[i]) chance.push_back(loss(i));
    if (strongest[i] && circuit[i]) losses.push_back(loss(i));
    progress.advance(4 + draws + static_cast<int64_t>(chance.size() + losses.size()));
  }
  progress.finish();
  if (!chance.empty() && !losses.empty()) {
    std::sort(chance.begin(), chance.end());
    const double limit = chance[static_cast<size_t>(0.95 * static_cast<double>(chance.size() - 1))];
    out.tested = static_cast<int64_t>(losses.size());
    out.needed = static_cast<double>(std::count_if(losses.begin(), losses.end(),
                                                   [&](double l) { return l > limit; })) /
                 static_cast<double>(losses.size());
  }
  return out;
}

nlohmann::ordered_json to_json(const GraphCircuit& circuit) {
  nlohmann::ordered_json out;
  out["metric_all"] = circuit.all;
  out["metric_without_features"] = circuit.none;
  out["scores"] = nlohmann::ordered_json::array();
  for (const CircuitScore& score : circuit.scores)
    out["scores"].push_back({{"name", score.name},
                             {"features", score.features},
                             {"faithfulness", score.faithfulness},
                             {"completeness", score.completeness}});
  out["random_faithfulness_range"] = {circuit.random_low, circuit.random_high};
  out["random_draws"] = circuit.draws;
  out["minimality"] = {{"tested", circuit.tested}, {"share_beyond_random", circuit.needed}};
  return out;
}

nlohmann::ordered_json to_json(const Graph& graph, const std::vector<Intervention>& tests) {
  auto out = nlohmann::ordered_json::array();
  for (const Intervention& test : tests) {
    nlohmann::ordered_json one = {{"node", node_id(graph, test.node)}, {"strength", test.strength}};
    for (const Response& r : test.responses)
      one[std::string(freedom_name(r.freedom))] = {{"children", r.children},
                                                   {"r", r.r},
                                                   {"slope", r.slope},
                                                   {"same_sign", r.sign},
                                                   {"logit_predicted", r.logit_predicted},
                                                   {"logit_measured", r.logit_measured},
                                                   {"control_r", r.control_r},
                                                   {"control_same_sign", r.control_sign},
                                                   {"controls", r.controls}};
    out.push_back(one);
  }
  return out;
}

}  // namespace otoscope::circuits
