#include "otoscope/circuits/adjacency.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"

namespace otoscope::circuits {
namespace {

double rest_of(const Adjacency& graph, size_t node) {
  return graph.rest.empty() ? 0.0 : graph.rest[node];
}

/// max(sum |A| + rest, 1e-10) of each row.
std::vector<double> row_sums(const Adjacency& graph) {
  std::vector<double> sums(graph.rows.size());
  for (size_t t = 0; t < sums.size(); ++t) {
    sums[t] = rest_of(graph, t);
    for (const Edge& edge : graph.rows[t]) sums[t] += std::fabs(edge.weight);
    sums[t] = std::max(sums[t], 1e-10);
  }
  return sums;
}

/// Share of a row's input that no leaf, feature or logit gives.
double unexplained(const Adjacency& graph, size_t target, double row_sum) {
  double sum = rest_of(graph, target);
  for (const Edge& edge : graph.rows[target])
    if (graph.role[static_cast<size_t>(edge.source)] == Role::error) sum += std::fabs(edge.weight);
  return sum / row_sum;
}

double sum_over(const Adjacency& graph, const std::vector<double>& values, Role role) {
  double sum = 0;
  for (size_t i = 0; i < values.size(); ++i)
    if (graph.role[i] == role) sum += values[i];
  return sum;
}

}  // namespace

std::vector<double> influence(const Adjacency& graph) {
  const auto n = static_cast<size_t>(graph.nodes());
  OTO_ASSERT(graph.rows.size() == n && graph.weight.size() == n);
  const std::vector<double> sums = row_sums(graph);
  std::vector<double> total(n), wave = graph.weight, next(n);
  for (size_t step = 0;; ++step) {
    if (step > n)
      throw UserError("graph", "expected edges without a cycle, got a path longer than the nodes");
    std::fill(next.begin(), next.end(), 0.0);
    bool moved = false;
    for (size_t t = 0; t < n; ++t) {
      if (wave[t] == 0.0) continue;
      for (const Edge& edge : graph.rows[t]) {
        const double share = wave[t] * std::fabs(edge.weight) / sums[t];
        next[static_cast<size_t>(edge.source)] += share;
        moved |= share != 0.0;
      }
    }
    if (!moved) return total;
    for (size_t i = 0; i < n; ++i) total[i] += next[i];
    std::swap(wave, next);
  }
}

double rest_influence(const Adjacency& graph, const std::vector<double>& inflow) {
  const std::vector<double> sums = row_sums(graph);
  double total = 0;
  for (size_t t = 0; t < graph.rows.size(); ++t)
    total += (inflow[t] + graph.weight[t]) * rest_of(graph, t) / sums[t];
  return total;
}

double replacement_score(const Adjacency& graph) {
  const std::vector<double> inflow = influence(graph);
  const double leaves = sum_over(graph, inflow, Role::leaf);
  const double lost = sum_over(graph, inflow, Role::error) + rest_influence(graph, inflow);
  return leaves / std::max(leaves + lost, 1e-300);
}

double completeness_score(const Adjacency& graph) {
  const std::vector<double> inflow = influence(graph), sums = row_sums(graph);
  double explained = 0, all = 0;
  for (size_t t = 0; t < graph.rows.size(); ++t) {
    const double w = inflow[t] + graph.weight[t];
    // Sources that are never targets (errors, leaves) have no input to be complete about, but the
    // published sum counts them as wholly explained.
    explained += w * (1.0 - unexplained(graph, t, sums[t]));
    all += w;
  }
  return explained / std::max(all, 1e-300);
}

std::vector<std::vector<double>> edge_scores(const Adjacency& graph) {
  const std::vector<double> inflow = influence(graph), sums = row_sums(graph);
  std::vector<std::vector<double>> scores(graph.rows.size());
  for (size_t t = 0; t < graph.rows.size(); ++t)
    for (const Edge& edge : graph.rows[t])
      scores[t].push_back(std::fabs(edge.weight) / sums[t] * (inflow[t] + graph.weight[t]));
  return scores;
}

}  // namespace otoscope::circuits
