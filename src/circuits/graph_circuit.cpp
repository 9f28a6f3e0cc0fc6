#include <algorithm>
#include <cmath>
#include <numeric>

#include "circuits/free_run.h"
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

class CircuitTest {
 public:
  CircuitTest(const model::FrozenModel& frozen, const model::Whisper& model, View<const float> mel,
              View<const int64_t> tokens, const Transcoders& transcoders,
              std::span<const LogitTarget> targets, const Graph& graph)
      : transcoders_(transcoders),
        targets_(targets),
        sources_(list_sources(frozen, transcoders, graph.pool, graph.gap, graph.first_token)),
        replacement_(frozen, transcoders, sources_),
        free_(frozen, model, mel, tokens, transcoders, replacement_),
        reader_(model, transcoders, sources_, targets, graph),
        node_of_(sources_, transcoders.layers()) {}

  int64_t features() const { return sources_.features; }
  const Node& node(size_t i) const { return sources_.nodes[i]; }

  /// M when only (or all but) a set is alive; features without a node follow the others.
  double metric(const Set& set, bool keep) const {
    throw_if_interrupted();
    const auto values = replacement_.run(gate_of(set, keep));
    return reader_.metric([&](const model::Site& site) { return values.at(site); });
  }
  /// The same in the real model.
  double free_metric(const Set& set, bool keep) const {
    const model::Recorder seen = free_.run(gate_of(set, keep), false);
    return reader_.metric([&](const model::Site& site) { return seen.last(site).view().sub(0); });
  }
  std::vector<double> effects(int steps) const {
    return effects_of(free_.mean_gradients(targets_, steps), transcoders_, sources_);
  }

 private:
  Replacement::Gate gate_of(const Set& set, bool keep) const {
    return [this, &set, keep](int layer, int64_t t, int32_t feature, float value) {
      const int32_t node = node_of_(layer, t, feature);
      const bool inside = node >= 0 && set[static_cast<size_t>(node)];
      return inside == keep ? value : 0.0f;
    };
  }

  const Transcoders& transcoders_;
  std::span<const LogitTarget> targets_;
  const Sources sources_;
  const Replacement replacement_;
  const FreeModel free_;
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

/// (m - none) / (all - none)
double share(double m, double all, double none) {
  return all == none ? 0.0 : (m - none) / (all - none);
}

CircuitScore score(const CircuitTest& test, const GraphCircuit& base, const char* name,
                   const Set& set) {
  return {name,
          std::count(set.begin(), set.end(), uint8_t{1}),
          share(test.metric(set, true), base.all, base.none),
          share(test.metric(set, false), base.all, base.none),
          share(test.free_metric(set, true), base.free_all, base.free_none),
          share(test.free_metric(set, false), base.free_all, base.free_none)};
}

/// Random circuits of equal size: their mean, and the range of their faithfulness.
void score_random(const CircuitTest& test, const Set& circuit, const CircuitTestOptions& options,
                  Rng& rng, GraphCircuit& out, Progress& progress) {
  if (options.draws < 1) return;
  CircuitScore mean{"random", std::count(circuit.begin(), circuit.end(), uint8_t{1}), 0, 0, 0, 0};
  out.draws = options.draws, out.free_draws = std::min(options.draws, options.free_draws);
  for (int i = 0; i < out.draws; ++i) {
    const Set set = random_like(test, circuit, rng);
    const double f = share(test.metric(set, true), out.all, out.none);
    mean.faithfulness += f / out.draws;
    mean.completeness += share(test.metric(set, false), out.all, out.none) / out.draws;
    out.random_low = i == 0 ? f : std::min(out.random_low, f);
    out.random_high = i == 0 ? f : std::max(out.random_high, f);
    if (i < out.free_draws) {
      mean.free_faithfulness +=
          share(test.free_metric(set, true), out.free_all, out.free_none) / out.free_draws;
      mean.free_completeness +=
          share(test.free_metric(set, false), out.free_all, out.free_none) / out.free_draws;
    }
    progress.advance(5 + i);
  }
  out.scores.push_back(mean);
}

/// One node at a time leaves, the others (inside or outside) stay.
void score_minimality(const CircuitTest& test, const Set& circuit,
                      const std::vector<double>& influence, const CircuitTestOptions& options,
                      Rng& rng, GraphCircuit& out, Progress& progress) {
  const auto loss = [&](size_t node) {
    Set one(circuit.size());
    one[node] = 1;
    return std::fabs(test.metric(one, false) - out.all);
  };
  const int64_t size = std::count(circuit.begin(), circuit.end(), uint8_t{1});
  const Set strongest =
      largest(influence, test.features(), std::min<int64_t>(size, options.tested));
  const Set random = random_like(test, strongest, rng);
  std::vector<double> chance, losses;
  for (size_t i = 0; i < circuit.size(); ++i) {
    if (random[i]) chance.push_back(loss(i));
    if (strongest[i] && circuit[i]) losses.push_back(loss(i));
    progress.advance(4 + options.draws + static_cast<int64_t>(chance.size() + losses.size()));
  }
  if (chance.empty() || losses.empty()) return;
  std::sort(chance.begin(), chance.end());
  const double limit = chance[static_cast<size_t>(0.95 * static_cast<double>(chance.size() - 1))];
  out.tested = static_cast<int64_t>(losses.size());
  out.needed = static_cast<double>(std::count_if(losses.begin(), losses.end(),
                                                 [&](double l) { return l > limit; })) /
               static_cast<double>(losses.size());
}

}  // namespace

GraphCircuit test_circuit(const model::FrozenModel& frozen, const model::Whisper& model,
                          View<const float> mel, View<const int64_t> tokens,
                          const Transcoders& transcoders, std::span<const LogitTarget> targets,
                          const Graph& graph, const CircuitTestOptions& options,
                          Progress& progress) {
  const CircuitTest test(frozen, model, mel, tokens, transcoders, targets, graph);
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
  const Set nothing(circuit.size());
  out.all = test.metric(nothing, false), out.none = test.metric(nothing, true);
  out.free_all = test.free_metric(nothing, false), out.free_none = test.free_metric(nothing, true);
  progress.start("testing the circuit", 4 + options.draws + 2 * options.tested, "runs");
  out.scores.push_back(score(test, out, "graph", circuit));
  out.scores.push_back(
      score(test, out, "gradient x activation", largest(test.effects(1), features, size)));
  progress.advance(2);
  const std::vector<double> integrated = test.effects(options.steps);
  out.integrated = std::accumulate(integrated.begin(), integrated.end(), 0.0);
  out.scores.push_back(
      score(test, out, "integrated gradients", largest(integrated, features, size)));
  out.scores.push_back(
      score(test, out, "largest activation", largest(by_activation, features, size)));
  progress.advance(4);
  Rng rng(options.seed, "random circuits");
  score_random(test, circuit, options, rng, out, progress);
  score_minimality(test, circuit, by_influence, options, rng, out, progress);
  progress.finish();
  return out;
}

}  // namespace otoscope::circuits
