#include <fmt/format.h>

#include "otoscope/audio/time.h"
#include "otoscope/circuits/export.h"
#include "otoscope/core/controls.h"
#include "otoscope/core/markup.h"

namespace otoscope::circuits {
namespace {

constexpr std::string_view kControls = "\t\n";  // XML 1.0 has no other control characters

}  // namespace

std::string graphml(const Graph& graph) {
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n";
  const auto key = [&](const char* name, const char* of, const char* type) {
    out += fmt::format("  <key id=\"{}\" for=\"{}\" attr.name=\"{}\" attr.type=\"{}\"/>\n", name,
                       of, name, type);
  };
  for (const char* name : {"kind", "label"}) key(name, "node", "string");
  for (const char* name : {"layer", "feature", "begin", "end"}) key(name, "node", "long");
  for (const char* name : {"t0", "t1", "activation", "influence", "probability"})
    key(name, "node", "double");
  key("weight", "edge", "double");
  out += "  <graph id=\"attribution\" edgedefault=\"directed\">\n";
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!graph.pruned.node[i]) continue;
    const Node& node = graph.nodes[i];
    out += fmt::format("    <node id=\"{}\">", node_id(graph, static_cast<int>(i)));
    const auto data = [&](const char* name, const auto& value) {
      out += fmt::format("<data key=\"{}\">{}</data>", name, value);
    };
    data("kind", node_kind_name(node.kind));
    data("label", markup_escaped(without_controls(node.label, kControls)));
    data("layer", node.layer);
    data("feature", node.feature);
    data("begin", node.begin);
    data("end", node.end);
    if (node.stack == model::Stack::encoder && node.kind != NodeKind::padding) {
      data("t0", audio::seconds_of(audio::Frame{node.begin}));
      data("t1", audio::seconds_of(audio::Frame{node.end}));
    }
    data("activation", node.activation);
    data("influence", node.influence);
    data("probability", node.probability);
    out += "</node>\n";
  }
  for (size_t t = 0; t < graph.nodes.size(); ++t)
    for (size_t e = 0; e < graph.adjacency.rows[t].size(); ++e)
      if (graph.pruned.edge[t][e])
        out += fmt::format(
            "    <edge source=\"{}\" target=\"{}\"><data key=\"weight\">{}</data></edge>\n",
            node_id(graph, graph.adjacency.rows[t][e].source), node_id(graph, static_cast<int>(t)),
            graph.adjacency.rows[t][e].weight);
  return out + "  </graph>\n</graphml>\n";
}

}  // namespace otoscope::circuits
