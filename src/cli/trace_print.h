#pragma once
/// What `trace` says about its graph and its checks.

#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/circuits/intervene.h"

namespace otoscope::cli {

/// The graph's figures and the checks of its sums, for machines.
nlohmann::ordered_json graph_figures(const circuits::Graph& graph);
/// The same as a table, with what each figure means.
std::string graph_table(const circuits::Graph& graph, double peak_gb);
/// Three tables: by mode, by node (in the real model), the circuit and its rivals.
std::string checks_tables(const circuits::Graph& graph,
                          std::span<const circuits::Intervention> tests,
                          const circuits::GraphCircuit& circuit);

}  // namespace otoscope::cli
