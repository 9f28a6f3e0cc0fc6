#include "otoscope/circuits/group.h"

#include <map>
#include <sstream>

#include "otoscope/audio/time.h"
#include "otoscope/core/errors.h"

namespace otoscope::circuits {
namespace {

template <class Name>
std::vector<Supernode> grouped(const Graph& graph, Name&& name) {
  std::map<std::string, Supernode> groups;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!graph.pruned.node[i] || graph.nodes[i].kind != NodeKind::feature) continue;
    const std::string label = name(graph.nodes[i]);
    if (label.empty()) continue;
    groups[label].label = label;
    groups[label].nodes.push_back(static_cast<int>(i));
  }
  std::vector<Supernode> out;
  for (auto& [label, group] : groups) out.push_back(std::move(group));
  return out;
}

/// A line of any length fits into one of an error.
std::string shortened(const std::string& text) {
  return text.size() <= 60 ? text : text.substr(0, 60) + "...";
}

}  // namespace

std::vector<Supernode> group_by_label(const Graph& graph) {
  return grouped(graph, [](const Node& node) { return node.label; });
}

std::vector<Supernode> group_by_time(const Graph& graph, double seconds) {
  if (!(seconds > 0)) throw UserError("--group", "expected seconds over 0");
  return grouped(graph, [&](const Node& node) -> std::string {
    if (node.stack != model::Stack::encoder) return "";
    const double middle = 0.5 * (audio::seconds_of(audio::Frame{node.begin}) +
                                 audio::seconds_of(audio::Frame{node.end}));
    const auto place = static_cast<int64_t>(middle / seconds);
    char text[64];
    std::snprintf(text, sizeof text, "enc %d, %.2f-%.2f s", node.layer,
                  static_cast<double>(place) * seconds, static_cast<double>(place + 1) * seconds);
    return text;
  });
}

std::vector<Supernode> group_by_hand(const Graph& graph, const std::string& text,
                                     const std::string& where) {
  std::map<std::string, int> known;
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    if (graph.pruned.node[i]) known[node_id(graph, static_cast<int>(i))] = static_cast<int>(i);
  std::map<std::string, int> used;
  std::vector<Supernode> groups;
  std::istringstream lines(text);
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const std::string place = where + ":" + std::to_string(number);
    const size_t colon = line.find(':');
    if (colon == std::string::npos || colon == 0)
      throw UserError(place, "expected LABEL: ID ID ..., got " + shortened(line));
    Supernode group{line.substr(0, colon), {}};
    std::istringstream ids(line.substr(colon + 1));
    for (std::string id; ids >> id;) {
      if (!known.contains(id))
        throw UserError(place, "expected a node that the graph shows, got " + shortened(id));
      if (!used.emplace(id, number).second)
        throw UserError(place, "expected each node in one group, got " + id + " again");
      group.nodes.push_back(known[id]);
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

void set_groups(Graph& graph, std::vector<Supernode> groups) {
  std::erase_if(groups, [](const Supernode& group) { return group.nodes.size() < 2; });
  for (Node& node : graph.nodes) node.group = -1;
  for (size_t g = 0; g < groups.size(); ++g)
    for (const int node : groups[g].nodes)
      graph.nodes[static_cast<size_t>(node)].group = static_cast<int>(g);
  graph.groups = std::move(groups);
}

}  // namespace otoscope::circuits
