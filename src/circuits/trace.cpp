#include "otoscope/circuits/trace.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "circuits/edges.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"

namespace otoscope::circuits {
namespace {

constexpr int64_t kMostTargetsAtOnce = 256;

/// What has been computed so far, and which targets come next.
class Exploration {
 public:
  Exploration(Graph& graph, const EdgeMaker& edges, int64_t features, int64_t at_once,
              const TraceOptions& options, Progress& progress)
      : graph_(graph),
        edges_(edges),
        features_(features),
        at_once_(at_once),
        options_(options),
        progress_(progress) {}

  void run(const std::vector<int32_t>& logits) {
    const int64_t most = std::min(options_.max_nodes, features_);
    progress_.start("tracing", static_cast<int64_t>(logits.size()) + most, "targets");
    make(logits);
    while (explored_ < most) {
      const std::vector<int32_t> next = most_influential(std::min(at_once_, most - explored_));
      if (next.empty()) break;
      // One layer at a time: a pass starts at the highest read of its block.
      for (size_t begin = 0, end = 0; begin < next.size(); begin = end) {
        while (end < next.size() && layer_of(next[end]) == layer_of(next[begin])) ++end;
        make(
            {next.begin() + static_cast<int64_t>(begin), next.begin() + static_cast<int64_t>(end)});
      }
      explored_ += static_cast<int64_t>(next.size());
    }
    progress_.finish();
  }

  int64_t explored() const { return explored_; }

 private:
  int layer_of(int32_t node) const { return graph_.nodes[static_cast<size_t>(node)].layer; }

  void make(const std::vector<int32_t>& targets) {
    throw_if_interrupted();
    edges_.make_rows(targets, options_.top_sources, graph_);
    done_ += static_cast<int64_t>(targets.size());
    progress_.advance(done_);
  }

  /// Features that were not explored, by influence along what is known, highest layer first.
  std::vector<int32_t> most_influential(int64_t count) const {
    const std::vector<double> inflow = influence(graph_.adjacency);
    std::vector<int32_t> candidates;
    for (int32_t i = 0; i < static_cast<int32_t>(features_); ++i)
      if (!graph_.nodes[static_cast<size_t>(i)].target && inflow[static_cast<size_t>(i)] > 0)
        candidates.push_back(i);
    count = std::min(count, static_cast<int64_t>(candidates.size()));
    std::partial_sort(candidates.begin(), candidates.begin() + count, candidates.end(),
                      [&](int32_t a, int32_t b) {
                        const double x = inflow[static_cast<size_t>(a)],
                                     y = inflow[static_cast<size_t>(b)];
                        return x != y ? x > y : a < b;
                      });
    candidates.resize(static_cast<size_t>(count));
    std::stable_sort(candidates.begin(), candidates.end(), [&](int32_t a, int32_t b) {
      return layer_of(a) != layer_of(b) ? layer_of(a) > layer_of(b) : a < b;
    });
    return candidates;
  }

  Graph& graph_;
  const EdgeMaker& edges_;
  int64_t features_, at_once_;
  const TraceOptions& options_;
  Progress& progress_;
  int64_t explored_ = 0, done_ = 0;
};

/// What is held whatever is traced, in bytes: weights as read and as packed, transcoders with what
/// their encoders make of them, attention scores of one window. Fitted to measured peaks of
/// whisper-base.
double standing_bytes(const model::Dims& dims, const Transcoders& transcoders) {
  const auto d = static_cast<double>(dims.n_audio_state);
  const double model = d * d * (12.0 * dims.n_audio_layer + 16.0 * dims.n_text_layer) +
                       d * static_cast<double>(dims.n_vocab);
  double features = 0;
  for (int l = 0; l < transcoders.layers(); ++l)
    if (const auto* layer = transcoders.layer(l); layer != nullptr)
      features += static_cast<double>(layer->sae.F()) * (1.0 + layer->outputs) / 2.0;
  const auto T = static_cast<double>(dims.n_audio_ctx);
  return 4.0 * (3.0 * model + 2.0 * 2.0 * features * d + 3.0 * dims.n_audio_head * T * T);
}

/// Targets of one pass that the memory allows; UserError if not even one. A pure function of the
/// input, since the order of exploration hangs on it.
int64_t targets_at_once(const model::FrozenModel& frozen, const model::Dims& dims,
                        const Transcoders& transcoders, int64_t nodes,
                        const TraceOptions& options) {
  const int64_t T = frozen.frames(), n = frozen.tokens();
  const auto patterns =
      static_cast<double>(4 * (dims.n_audio_layer * dims.n_audio_head * T * T +
                               dims.n_text_layer * dims.n_text_head * n * (n + T)));
  const double rows = static_cast<double>(std::min(options.max_nodes, nodes) *
                                          std::min<int64_t>(options.top_sources, nodes)) *
                      sizeof(Edge);
  const double standing = patterns + rows + standing_bytes(dims, transcoders) +
                          2.0 * static_cast<double>(nodes) * (sizeof(Node) + 64.0);
  const double left = options.memory * 1e9 - standing;
  const double each = static_cast<double>(frozen.bytes_for(1)) + 8.0 * static_cast<double>(nodes);
  if (left < each)
    throw UserError("--memory",
                    "expected room for the model, patterns, rows and one target (" +
                        std::to_string((standing + each) / 1e9).substr(0, 4) + " GB for " +
                        std::to_string(nodes) + " nodes), got " +
                        std::to_string(options.memory).substr(0, 4) + " GB",
                    "lower --max-nodes or --top-sources, or trace a shorter recording");
  // The products' own memory and what the allocator keeps are not in the estimate.
  return std::clamp<int64_t>(static_cast<int64_t>(0.6 * left / each), 1, kMostTargetsAtOnce);
}

Role role_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::feature:
      return Role::feature;
    case NodeKind::frame:
    case NodeKind::token:
      return Role::leaf;
    case NodeKind::logit:
      return Role::logit;
    default:
      return Role::error;  // padding too: nothing says what it heard
  }
}

/// Features whose inputs are unknown are no part of the graph: what they give is rest.
void drop_unexplored(Graph& graph) {
  for (size_t t = 0; t < graph.adjacency.rows.size(); ++t)
    std::erase_if(graph.adjacency.rows[t], [&](const Edge& edge) {
      const Node& source = graph.nodes[static_cast<size_t>(edge.source)];
      if (source.kind != NodeKind::feature || source.target) return false;
      graph.adjacency.rest[t] += std::fabs(edge.weight);
      return true;
    });
}

void check_sums(Graph& graph, std::span<const LogitTarget> targets, View<const float> logits) {
  SumCheck& check = graph.check;
  size_t logit = 0;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const Node& node = graph.nodes[i];
    if (!node.target) continue;
    ++check.targets;
    const double error =
        std::fabs(node.input + node.bias - node.pre_activation) / std::max(node.input_size, 1e-6);
    if (!(error <= check.worst)) check.worst = error, check.worst_node = static_cast<int>(i);
    if (node.kind != NodeKind::logit) continue;
    const LogitTarget& target = targets[logit++];
    const float* row = logits.row(target.position);
    double base = 0;
    if (target.against >= 0) {
      base = static_cast<double>(row[target.against]);
    } else {
      for (int64_t v = 0; v < logits.width(); ++v) base += static_cast<double>(row[v]);
      base /= static_cast<double>(logits.width());
    }
    const double real = static_cast<double>(row[target.token]) - base;
    const double off = std::fabs(node.input + node.bias - real);
    if (!(off <= check.worst_logit)) check.worst_logit = off;
  }
}

void measure(Graph& graph, const TraceOptions& options) {
  const Adjacency& all = graph.adjacency;
  GraphFigures& f = graph.figures;
  const std::vector<double> inflow = influence(all);
  double ends = 0, rest = rest_influence(all, inflow), error = 0, leaf = 0, padding = 0;
  double bias = 0, weight = 0;
  for (size_t i = 0; i < inflow.size(); ++i) {
    Node& node = graph.nodes[i];
    node.influence = inflow[i];
    if (node.kind == NodeKind::error) error += inflow[i];
    if (node.kind == NodeKind::padding) padding += inflow[i];
    if (all.role[i] == Role::leaf) leaf += inflow[i];
    if (!node.target) continue;
    const double w = inflow[i] + all.weight[i];
    bias += w * std::fabs(node.bias) / std::max(std::fabs(node.bias) + node.input_size, 1e-10);
    weight += w;
  }
  ends = std::max(rest + error + padding + leaf, 1e-300);
  f.rest_share = rest / ends, f.error_share = error / ends, f.padding_share = padding / ends;
  f.leaf_share = leaf / ends;
  f.bias_share = bias / std::max(weight, 1e-300);
  f.replacement = replacement_score(all);
  f.completeness = completeness_score(all);
  graph.pruned = prune(all, {options.node_share, options.edge_share, !options.prune_errors});
  const Adjacency shown = restrict_to(all, graph.pruned, true);
  f.pruned_replacement = replacement_score(shown);
  f.pruned_completeness = completeness_score(shown);
}

std::vector<LayerFigures> layer_figures(const model::FrozenModel& frozen,
                                        const Transcoders& transcoders, const Sources& sources) {
  std::vector<LayerFigures> out;
  for (int l = 0; l < transcoders.layers(); ++l) {
    if (transcoders.layer(l) == nullptr) continue;
    const SourceLayer& source = sources.layers[static_cast<size_t>(l)];
    const View<const float> y = frozen.value(transcoders.write_site(l));
    const bool decoder = transcoders.write_site(l).stack == model::Stack::decoder;
    const int64_t first = decoder ? std::min(sources.first_token, y.rows() - 1) : 0;
    const int64_t T = y.rows() - first, d = y.width();
    double error = 0, spread = 0;
    for (int64_t j = 0; j < d; ++j) {
      double sum = 0, squares = 0;
      for (int64_t t = first; t < y.rows(); ++t) {
        const auto value = static_cast<double>(y.at(t, j));
        sum += value, squares += value * value;
        error += std::pow(static_cast<double>(source.error.at(t, j)), 2);
      }
      spread += squares - sum * sum / static_cast<double>(T);
    }
    // One position has no spread: its own size stands for it.
    if (T == 1)
      for (int64_t j = 0; j < d; ++j) spread += std::pow(static_cast<double>(y.at(first, j)), 2);
    out.push_back({l, error / std::max(spread, 1e-300),
                   static_cast<double>(source.codes.indices.size()) / static_cast<double>(T)});
  }
  return out;
}

}  // namespace

Graph trace(model::FrozenModel& frozen, const model::Whisper& model, const Transcoders& transcoders,
            std::span<const LogitTarget> targets, const TraceOptions& options, Progress& progress) {
  const auto start = std::chrono::steady_clock::now();
  if (targets.empty()) throw UserError("trace", "expected an output token to trace, got none");
  for (int l = 0; l < transcoders.layers(); ++l)
    if (const auto* layer = transcoders.layer(l); layer != nullptr && !layer->sae.W_skip.empty())
      frozen.set_skip(layer->write.stack, layer->write.block, layer->sae.W_skip);

  const model::Dims& dims = model.dims();
  Graph graph;
  graph.encoder_layers = dims.n_audio_layer, graph.decoder_layers = dims.n_text_layer;
  graph.frames = frozen.frames(), graph.pool = options.pool, graph.gap = options.gap;
  graph.first_token = options.first_token;
  graph.cross_mass = frozen.cross_mass();
  const Sources sources =
      list_sources(frozen, transcoders, options.pool, options.gap, options.first_token);
  graph.nodes = sources.nodes;
  graph.figures.active_features = sources.features;
  graph.figures.layers = layer_figures(frozen, transcoders, sources);
  const EdgeMaker edges(frozen, model, transcoders, sources, targets);
  std::vector<int32_t> logits;
  for (const LogitTarget& target : targets) {
    Node node;
    node.kind = NodeKind::logit, node.stack = model::Stack::decoder;
    node.layer = graph.encoder_layers + graph.decoder_layers + 1;
    node.feature = static_cast<int32_t>(target.token);
    node.begin = target.position, node.end = target.position + 1;
    node.probability = target.probability;
    node.label = target.text;
    logits.push_back(static_cast<int32_t>(graph.nodes.size()));
    graph.nodes.push_back(node);
  }
  const size_t n = graph.nodes.size();
  graph.adjacency.rows.resize(n);
  graph.adjacency.rest.assign(n, 0.0);
  graph.adjacency.weight.assign(n, 0.0);
  for (const Node& node : graph.nodes) graph.adjacency.role.push_back(role_of(node.kind));
  for (size_t i = 0; i < targets.size(); ++i)
    graph.adjacency.weight[static_cast<size_t>(logits[i])] = targets[i].weight;

  const int64_t at_once =
      targets_at_once(frozen, dims, transcoders, static_cast<int64_t>(n), options);
  Exploration exploration(graph, edges, sources.features, at_once, options, progress);
  exploration.run(logits);
  graph.figures.explored = exploration.explored();
  const std::vector<double> keys = edges.key_influence(graph);
  for (size_t i = 0; i < keys.size(); ++i) graph.nodes[i].key_influence = keys[i];
  drop_unexplored(graph);
  check_sums(graph, targets, frozen.value({model::Stack::decoder, model::Point::logits, -1}));
  measure(graph, options);
  graph.figures.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return graph;
}

}  // namespace otoscope::circuits
