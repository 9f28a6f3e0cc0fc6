#include <cmath>
#include <nlohmann/json.hpp>

#include "otoscope/audio/time.h"
#include "otoscope/circuits/export.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/version.h"
#include "otoscope/io/json.h"

namespace otoscope::circuits {
namespace {

using io::OrderedJson;

bool is_frame_time(const Node& node) {
  return node.stack == model::Stack::encoder && node.kind != NodeKind::padding;
}

std::string seconds_text(int64_t frame) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2fs", audio::seconds_of(audio::Frame{frame}));
  return text;
}

OrderedJson prompt_tokens(const Graph& graph) {
  OrderedJson tokens = OrderedJson::array();
  for (int64_t t = 0; t < graph.frames; t += graph.pool) tokens.push_back(seconds_text(t));
  tokens.push_back("padding");
  for (const std::string& text : graph.token_texts) tokens.push_back(text);
  return tokens;
}

std::string feature_type(NodeKind kind) {
  switch (kind) {
    case NodeKind::feature:
      return "cross layer transcoder";
    case NodeKind::error:
      return "mlp reconstruction error";
    case NodeKind::logit:
      return "logit";
    case NodeKind::padding:
      return "bias";
    default:
      return "embedding";
  }
}

std::string clerp_of(const Node& node) {
  if (node.kind != NodeKind::logit) return node.kind == NodeKind::padding ? "padding" : node.label;
  char text[32];
  std::snprintf(text, sizeof text, "(p=%.3f)", node.probability);
  return "Output \"" + node.label + "\" " + text;
}

OrderedJson own_part(const Node& node) {
  OrderedJson own;
  own["kind"] = node_kind_name(node.kind);
  own["stack"] = node.stack == model::Stack::encoder ? "encoder" : "decoder";
  if (is_frame_time(node)) {
    own["t0"] = audio::seconds_of(audio::Frame{node.begin});
    own["t1"] = audio::seconds_of(audio::Frame{node.end});
  }
  own["begin"] = node.begin, own["end"] = node.end;
  if (node.kind == NodeKind::feature) {
    own["feature"] = node.feature;
    own["members"] = node.members;
    own["peak"] = node.peak;
  }
  own["influence"] = node.influence;
  own["key_influence"] = node.key_influence;
  if (node.target) {
    own["pre_activation"] = node.pre_activation;
    own["bias"] = node.bias;
    own["sum_of_edges"] = node.input;
    own["sum_of_sizes"] = node.input_size;
  }
  return own;
}

OrderedJson node_json(const Graph& graph, int index) {
  const Node& node = graph.nodes[static_cast<size_t>(index)];
  const bool leaf = node.kind == NodeKind::frame || node.kind == NodeKind::token ||
                    node.kind == NodeKind::padding;
  const std::string id = node_id(graph, index);
  const int64_t place = context_index(graph, node);
  const std::string layer = leaf ? "E" : std::to_string(node.layer);
  OrderedJson out;
  out["node_id"] = id;
  switch (node.kind) {
    case NodeKind::feature:
      out["feature"] = pair_number(node.layer, node.feature);
      break;
    case NodeKind::error:
      out["feature"] = -1;
      break;
    case NodeKind::logit:
      out["feature"] = node.feature;
      break;
    default:
      out["feature"] = place;
  }
  out["layer"] = layer;
  out["ctx_idx"] = place;
  out["feature_type"] = feature_type(node.kind);
  const std::string start = id.substr(0, id.rfind('_')), end = id.substr(id.rfind('_') + 1);
  switch (node.kind) {
    case NodeKind::feature:
      out["jsNodeId"] = start + "-0";  // one for all runs of a feature, as viewers group them
      break;
    case NodeKind::error:
      out["jsNodeId"] = layer + "_err_" + end + "-0";
      out["legacy_id"] = "0_" + layer + "_" + std::to_string(place);
      break;
    case NodeKind::logit:
      out["jsNodeId"] = "L_" + std::to_string(node.feature) + "-" + std::to_string(place);
      break;
    default:
      out["jsNodeId"] = start + "-" + end;
  }
  out["clerp"] = clerp_of(node);
  out["influence"] = graph.pruned.cumulative[static_cast<size_t>(index)];
  if (node.kind == NodeKind::feature) out["activation"] = node.activation;
  out["token_prob"] = node.probability;
  out["is_target_logit"] = node.kind == NodeKind::logit;
  out["run_idx"] = 0;
  out["reverse_ctx_idx"] = 0;
  out["otoscope"] = own_part(node);
  return out;
}

OrderedJson checks_json(const Graph& graph) {
  const SumCheck& c = graph.check;
  OrderedJson out;
  out["targets"] = c.targets;
  out["worst_sum"] = c.worst;
  out["worst_sum_allowed"] = SumCheck::kWorst;
  out["worst_sum_node"] =
      c.worst_node < 0 ? OrderedJson() : OrderedJson(node_id(graph, c.worst_node));
  out["worst_logit"] = c.worst_logit;
  out["worst_logit_allowed"] = SumCheck::kWorstLogit;
  out["holds"] = c.holds();
  return out;
}

OrderedJson figures_json(const Graph& graph) {
  const GraphFigures& f = graph.figures;
  OrderedJson out;
  out["active_features"] = f.active_features;
  out["explored_features"] = f.explored;
  out["shown_nodes"] = graph.pruned.nodes();
  out["shown_edges"] = graph.pruned.edges();
  out["replacement"] = f.replacement;
  out["completeness"] = f.completeness;
  out["shown_replacement"] = f.pruned_replacement;
  out["shown_completeness"] = f.pruned_completeness;
  out["share_leaves"] = f.leaf_share;
  out["share_errors"] = f.error_share;
  out["share_padding"] = f.padding_share;
  out["share_left_out"] = f.rest_share;
  out["bias_share"] = f.bias_share;
  out["seconds"] = f.seconds;
  out["transcoders"] = OrderedJson::array();
  for (const LayerFigures& layer : f.layers)
    out["transcoders"].push_back({{"layer", layer.layer}, {"fvu", layer.fvu}, {"l0", layer.l0}});
  return out;
}

}  // namespace

std::string safe_name(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool allowed = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                         (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (allowed)
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out.empty() ? "graph" : out;
}

int64_t pair_number(int64_t layer, int64_t feature) {
  return (layer + feature) * (layer + feature + 1) / 2 + feature;
}

nlohmann::ordered_json neuronpedia_json(const Graph& graph, const ExportInfo& info) {
  OrderedJson out;
  OrderedJson& metadata = out["metadata"];
  metadata["slug"] = safe_name(info.slug);
  metadata["scan"] = safe_name(info.scan);
  metadata["prompt"] = info.prompt;
  metadata["prompt_tokens"] = prompt_tokens(graph);
  metadata["schema_version"] = 1;
  metadata["node_threshold"] = info.node_threshold;
  metadata["info"] = {
      {"description", "Attribution graph of " + graph.target_text},
      {"creator_name", "otoscope"},
      {"creator_url", ""},
      {"source_urls", OrderedJson::array()},
      {"generator", {{"name", "otoscope"}, {"version", kVersion}, {"url", ""}, {"email", ""}}},
      {"create_time_ms", info.created_ms}};
  metadata["generation_settings"] = {{"max_n_logits", info.max_logits},
                                     {"desired_logit_prob", info.logit_share},
                                     {"batch_size", 256},
                                     {"max_feature_nodes", info.max_nodes}};
  metadata["pruning_settings"] = {{"node_threshold", info.node_threshold},
                                  {"edge_threshold", info.edge_threshold}};
  OrderedJson supernodes = OrderedJson::array();
  for (const Supernode& group : graph.groups) {
    OrderedJson one = OrderedJson::array({group.label});
    for (const int node : group.nodes)
      if (graph.pruned.node[static_cast<size_t>(node)]) one.push_back(node_id(graph, node));
    if (one.size() > 1) supernodes.push_back(one);
  }
  out["qParams"] = {{"pinnedIds", OrderedJson::array()},
                    {"supernodes", supernodes},
                    {"linkType", "both"},
                    {"clickedId", ""},
                    {"sg_pos", ""}};
  OrderedJson& nodes = out["nodes"] = OrderedJson::array();
  OrderedJson& links = out["links"] = OrderedJson::array();
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    if (graph.pruned.node[i]) nodes.push_back(node_json(graph, static_cast<int>(i)));
  for (size_t t = 0; t < graph.nodes.size(); ++t)
    for (size_t e = 0; e < graph.adjacency.rows[t].size(); ++e)
      if (graph.pruned.edge[t][e])
        links.push_back({{"source", node_id(graph, graph.adjacency.rows[t][e].source)},
                         {"target", node_id(graph, static_cast<int>(t))},
                         {"weight", graph.adjacency.rows[t][e].weight}});
  OrderedJson& own = out["otoscope"];
  own["schema"] = "otoscope.graph";
  own["version"] = 1;
  own["model"] = graph.model;
  own["audio"] = graph.audio;
  own["target"] = graph.target_text;
  own["tokens"] = graph.tokens;
  own["frames"] = graph.frames;
  own["pool"] = graph.pool;
  own["first_token"] = graph.first_token;
  own["frozen"] =
      "attention patterns and norm scales; MLPs outside transcoders are errors; what "
      "attention reads from padding is one source";
  own["checks"] = checks_json(graph);
  own["figures"] = figures_json(graph);
  own["cross_mass"] = graph.cross_mass;
  own["notes"] = graph.notes;
  return out;
}

}  // namespace otoscope::circuits
