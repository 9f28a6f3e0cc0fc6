#pragma once
/// Supernodes: shown features that are looked at, and edited, together (methods.md §6.7).

#include <string>
#include <vector>

#include "otoscope/circuits/graph.h"

namespace otoscope::circuits {

/// Same description, whatever the layer and the time. Features without one stay alone.
std::vector<Supernode> group_by_label(const Graph& graph);
/// Encoder features of one layer whose runs lie in the same `seconds` of audio (by their middle).
std::vector<Supernode> group_by_time(const Graph& graph, double seconds);
/// "LABEL: ID ID ...", a line each; ids as node_id gives them. UserError "[where] …" for an id that
/// the graph does not show, or shows twice.
std::vector<Supernode> group_by_hand(const Graph& graph, const std::string& text,
                                     const std::string& where);
/// Puts them into the graph: groups, and Node::group. Groups of one node are dropped.
void set_groups(Graph& graph, std::vector<Supernode> groups);

}  // namespace otoscope::circuits
