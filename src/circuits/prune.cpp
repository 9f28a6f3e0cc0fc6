#include <algorithm>
#include <cmath>
#include <numeric>

#include "otoscope/circuits/adjacency.h"

namespace otoscope::circuits {
namespace {

/// Places of `values` in descending order; equal values keep their order.
std::vector<int64_t> descending(const std::vector<double>& values) {
  std::vector<int64_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return values[static_cast<size_t>(a)] > values[static_cast<size_t>(b)];
  });
  return order;
}

bool candidate(Role role, const PruneOptions& options) {
  return role == Role::feature || (role == Role::error && !options.keep_errors);
}

void choose_nodes(const Adjacency& graph, const PruneOptions& options, Pruned& kept) {
  const std::vector<double> inflow = influence(graph);
  double total = 0;
  for (size_t i = 0; i < inflow.size(); ++i)
    if (candidate(graph.role[i], options)) total += inflow[i];
  double before = 0;
  for (const int64_t place : descending(inflow)) {
    const auto i = static_cast<size_t>(place);
    if (!candidate(graph.role[i], options)) continue;
    // The smallest set that reaches the share: everything up to the node that crosses it.
    kept.node[i] = before < options.node_share * total;
    before += inflow[i];
    kept.cumulative[i] = total > 0 ? std::min(1.0, before / total) : 1.0;
  }
}

void choose_edges(const Adjacency& graph, const PruneOptions& options, Pruned& kept) {
  const std::vector<std::vector<double>> scores = edge_scores(restrict_to(graph, kept, false));
  std::vector<double> flat;
  std::vector<std::pair<size_t, size_t>> place;
  for (size_t t = 0; t < graph.rows.size(); ++t) {
    size_t next = 0;  // of the pruned row
    for (size_t e = 0; e < graph.rows[t].size(); ++e) {
      if (!kept.edge[t][e]) continue;
      flat.push_back(scores[t][next++]);
      place.emplace_back(t, e);
    }
  }
  const double total = std::accumulate(flat.begin(), flat.end(), 0.0);
  double before = 0;
  for (const int64_t i : descending(flat)) {
    const auto [t, e] = place[static_cast<size_t>(i)];
    kept.edge[t][e] = before < options.edge_share * total;
    before += flat[static_cast<size_t>(i)];
  }
}

/// Edges whose ends went go too.
void drop_loose_edges(const Adjacency& graph, Pruned& kept) {
  for (size_t t = 0; t < graph.rows.size(); ++t)
    for (size_t e = 0; e < graph.rows[t].size(); ++e)
      if (!kept.node[t] || !kept.node[static_cast<size_t>(graph.rows[t][e].source)])
        kept.edge[t][e] = 0;
}

/// True if a node went.
bool drop_idle_nodes(const Adjacency& graph, Pruned& kept) {
  std::vector<uint8_t> reads(kept.node.size()), feeds(kept.node.size());
  for (size_t t = 0; t < graph.rows.size(); ++t)
    for (size_t e = 0; e < graph.rows[t].size(); ++e)
      if (kept.edge[t][e]) reads[t] = feeds[static_cast<size_t>(graph.rows[t][e].source)] = 1;
  bool dropped = false;
  for (size_t i = 0; i < kept.node.size(); ++i) {
    const bool feature = graph.role[i] == Role::feature, error = graph.role[i] == Role::error;
    if (!kept.node[i] || (!feature && !error)) continue;
    if (feeds[i] && (error || reads[i])) continue;
    kept.node[i] = 0;
    dropped = true;
  }
  return dropped;
}

}  // namespace

int64_t Pruned::nodes() const { return std::accumulate(node.begin(), node.end(), int64_t{0}); }

int64_t Pruned::edges() const {
  int64_t sum = 0;
  for (const auto& row : edge) sum += std::accumulate(row.begin(), row.end(), int64_t{0});
  return sum;
}

Pruned prune(const Adjacency& graph, const PruneOptions& options) {
  Pruned kept;
  kept.node.assign(graph.role.size(), 1);
  kept.cumulative.assign(graph.role.size(), 1.0);
  for (const auto& row : graph.rows) kept.edge.emplace_back(row.size(), uint8_t{1});
  choose_nodes(graph, options, kept);
  drop_loose_edges(graph, kept);
  choose_edges(graph, options, kept);
  while (drop_idle_nodes(graph, kept)) drop_loose_edges(graph, kept);
  return kept;
}

Adjacency restrict_to(const Adjacency& graph, const Pruned& kept, bool keep_rest) {
  Adjacency out;
  out.role = graph.role;
  out.weight = graph.weight;
  out.rows.resize(graph.rows.size());
  out.rest.assign(graph.rows.size(), 0.0);
  for (size_t t = 0; t < graph.rows.size(); ++t) {
    if (!kept.node[t]) continue;
    if (keep_rest && !graph.rest.empty()) out.rest[t] = graph.rest[t];
    for (size_t e = 0; e < graph.rows[t].size(); ++e)
      if (kept.edge[t][e])
        out.rows[t].push_back(graph.rows[t][e]);
      else if (keep_rest)
        out.rest[t] += std::fabs(graph.rows[t][e].weight);
  }
  return out;
}

}  // namespace otoscope::circuits
