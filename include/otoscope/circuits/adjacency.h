#pragma once
/// The mathematics of an attribution graph, apart from where its edges come from (methods.md §6.3;
/// Ameisen et al. 2025, circuit-tracer). Rows are targets, columns sources; an edge's weight is the
/// direct linear effect of the source on the target. Every node that is a target lies behind its
/// sources, so the graph has no cycle.

#include <cstdint>
#include <vector>

namespace otoscope::circuits {

enum class Role : uint8_t { feature, error, leaf, logit };

struct Edge {
  int32_t source = 0;
  double weight = 0;
};

struct Adjacency {
  std::vector<Role> role;               // by node
  std::vector<std::vector<Edge>> rows;  // by node: edges into it, each source once
  /// By node: sum of |weight| over sources that are not in the row. Counts in the normaliser and as
  /// unexplained, so that leaving edges out never makes a graph look more complete. Empty: none.
  std::vector<double> rest;
  std::vector<double> weight;  // by node: a logit's probability, 0 elsewhere

  int64_t nodes() const { return static_cast<int64_t>(role.size()); }
};

/// N = |A| / max(row sum of |A| and rest, 1e-10);  I = w N + w N^2 + ... : how much of what reaches
/// the logits passes through each node. UserError if the graph has a cycle.
std::vector<double> influence(const Adjacency& graph);

/// What reaches the logits along left-out edges: sum over t of (I + w)[t] times rest's share of row
/// t.
double rest_influence(const Adjacency& graph, const std::vector<double>& influence);

/// Of the influence that ends somewhere, the share that ends in leaves rather than in errors (and
/// left-out edges):  R = I[leaves] / (I[leaves] + I[errors] + I[rest]).
double replacement_score(const Adjacency& graph);
/// Mean share of a node's input that does not come from errors (or left-out edges), weighted by I +
/// w.
double completeness_score(const Adjacency& graph);

struct PruneOptions {
  double node_share = 0.8;
  double edge_share = 0.98;
  /// Errors are no candidates of the first cut (the paper's rule); false prunes them like features.
  bool keep_errors = true;
};

/// What is kept. Leaves and logits always are.
struct Pruned {
  std::vector<uint8_t> node;               // by node
  std::vector<std::vector<uint8_t>> edge;  // as Adjacency::rows
  /// Cumulative share of influence in descending order (small = important), as viewers want it; 1
  /// for what was no candidate.
  std::vector<double> cumulative;

  int64_t nodes() const;
  int64_t edges() const;
};

/// Nodes: the smallest set of features (and errors) with `node_share` of their influence. Edges: by
/// score[t,s] = N[t,s] (I + w)[t] of the pruned graph, the smallest set with `edge_share`. Then,
/// until nothing changes, features and errors without an outgoing edge and features without an
/// incoming one go.
Pruned prune(const Adjacency& graph, const PruneOptions& options = {});

/// Scores of all edges, as rows.
std::vector<std::vector<double>> edge_scores(const Adjacency& graph);

/// The graph of what was kept. Indices stay; nodes that went have no edges; edges that went join
/// `rest` when keep_rest, else they are forgotten (as the published pruning does).
Adjacency restrict_to(const Adjacency& graph, const Pruned& kept, bool keep_rest);

}  // namespace otoscope::circuits
