#include "otoscope/circuits/graph.h"

namespace otoscope::circuits {

std::string_view node_kind_name(NodeKind kind) {
  switch (kind) {
    case NodeKind::feature:
      return "feature";
    case NodeKind::error:
      return "error";
    case NodeKind::frame:
      return "frame";
    case NodeKind::token:
      return "token";
    case NodeKind::padding:
      return "padding";
    case NodeKind::logit:
      return "logit";
  }
  return "";
}

int64_t context_index(const Graph& graph, const Node& node) {
  const int64_t pooled = (graph.frames + graph.pool - 1) / graph.pool;
  if (node.kind == NodeKind::padding) return pooled;
  if (node.stack == model::Stack::encoder) return node.begin / graph.pool;
  return pooled + 1 + node.begin;
}

std::string node_id(const Graph& graph, int index) {
  const Node& node = graph.nodes[static_cast<size_t>(index)];
  // The place in time tells apart runs of one feature: they never share a frame, but may share a
  // pooled one, so the frame itself is used.
  const bool encoder = node.stack == model::Stack::encoder;
  const std::string place = std::to_string(encoder ? node.begin : graph.frames + 1 + node.begin);
  const std::string layer = std::to_string(node.layer);
  switch (node.kind) {
    case NodeKind::feature:
      return layer + "_" + std::to_string(node.feature) + "_" + place;
    case NodeKind::error:
      return layer + "_-1_" + place;
    case NodeKind::frame:
      return "E_0_" + place;
    case NodeKind::padding:
      return "E_-1_" + place;
    case NodeKind::token:
      return "E_" + std::to_string(node.feature) + "_" + place;
    case NodeKind::logit:
      return layer + "_" + std::to_string(node.feature) + "_" + place;
  }
  return "";
}

}  // namespace otoscope::circuits
