#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string_view>

#include "otoscope/audio/time.h"
#include "otoscope/circuits/export.h"
#include "otoscope/core/markup.h"
#include "otoscope/io/json.h"

namespace otoscope::embedded {
extern const std::string_view graph_css, graph_js;
}

namespace otoscope::circuits {
namespace {

using io::OrderedJson;

/// The features with the most influence, the logits, and every other node that touches them.
std::vector<uint8_t> drawn_nodes(const Graph& graph, int most) {
  std::vector<int> order;
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    if (graph.pruned.node[i] && graph.nodes[i].kind == NodeKind::feature)
      order.push_back(static_cast<int>(i));
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return graph.nodes[static_cast<size_t>(a)].influence >
           graph.nodes[static_cast<size_t>(b)].influence;
  });
  if (static_cast<int>(order.size()) > most) order.resize(static_cast<size_t>(most));
  std::vector<uint8_t> drawn(graph.nodes.size());
  for (const int i : order) drawn[static_cast<size_t>(i)] = 1;
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    if (graph.pruned.node[i] && graph.nodes[i].kind != NodeKind::feature) drawn[i] = 1;
  return drawn;
}

double rounded(double value) { return std::round(value * 1e4) / 1e4; }

OrderedJson nodes_of(const Graph& graph, const std::vector<uint8_t>& drawn,
                     std::vector<int>& place) {
  OrderedJson nodes = OrderedJson::array();
  place.assign(graph.nodes.size(), -1);
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!drawn[i]) continue;
    const Node& node = graph.nodes[i];
    place[i] = static_cast<int>(nodes.size());
    OrderedJson out;
    out["id"] = node_id(graph, static_cast<int>(i));
    out["kind"] = node_kind_name(node.kind);
    out["layer"] = node.layer;
    out["feature"] = node.feature;
    out["encoder"] = node.stack == model::Stack::encoder;
    out["begin"] = node.begin, out["end"] = node.end;
    out["influence"] = rounded(node.influence);
    out["activation"] = rounded(node.activation);
    out["probability"] = rounded(node.probability);
    out["label"] = node.label;
    out["group"] = node.group;
    nodes.push_back(std::move(out));
  }
  return nodes;
}

/// [source, target, weight, share of the target's input].
OrderedJson edges_of(const Graph& graph, const std::vector<int>& place) {
  OrderedJson edges = OrderedJson::array();
  for (size_t t = 0; t < graph.nodes.size(); ++t) {
    if (place[t] < 0) continue;
    for (size_t e = 0; e < graph.adjacency.rows[t].size(); ++e) {
      const Edge& edge = graph.adjacency.rows[t][e];
      const int source = place[static_cast<size_t>(edge.source)];
      if (source < 0 || !graph.pruned.edge[t][e]) continue;
      edges.push_back({source, place[t], rounded(edge.weight),
                       rounded(edge.weight / std::max(graph.nodes[t].input_size, 1e-10))});
    }
  }
  return edges;
}

/// The mel of the valid frames, one letter a value (0-9, a-z), at most 600 columns.
OrderedJson spectrogram(const Graph& graph, View<const float> mel) {
  const int64_t frames = std::min(2 * graph.frames, mel.rows()), bins = mel.width();
  const int64_t step = std::max<int64_t>(1, (frames + 599) / 600), columns = frames / step;
  const std::string_view letters = "0123456789abcdefghijklmnopqrstuvwxyz";
  float low = INFINITY, high = -INFINITY;
  for (int64_t i = 0; i < frames * bins; ++i)
    low = std::min(low, mel[i]), high = std::max(high, mel[i]);
  std::string text;
  for (int64_t c = 0; c < columns; ++c)
    for (int64_t b = 0; b < bins; ++b) {
      const float share = high > low ? (mel.at(c * step, b) - low) / (high - low) : 0.0f;
      text += letters[static_cast<size_t>(std::lround(share * 35.0f))];
    }
  return {{"columns", columns}, {"bins", bins}, {"values", text}};
}

std::string inside_script(const OrderedJson& json) {
  std::string text = json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace), out;
  for (const char c : text)
    if (c == '<')
      out += "\\u003c";
    else
      out += c;
  return out;
}

}  // namespace

std::string graph_page(const Graph& graph, const ExportInfo& info, View<const float> mel,
                       int most) {
  std::vector<int> place;
  const std::vector<uint8_t> drawn = drawn_nodes(graph, most);
  OrderedJson data;
  data["target"] = graph.target_text;
  data["audio"] = graph.audio;
  data["model"] = graph.model;
  data["prompt"] = info.prompt;
  data["encoder_layers"] = graph.encoder_layers;
  data["decoder_layers"] = graph.decoder_layers;
  data["frames"] = graph.frames;
  data["seconds_per_frame"] = audio::kFrameSeconds;
  data["tokens"] = graph.token_texts;
  data["cross_mass"] = OrderedJson::array();
  for (const double mass : graph.cross_mass) data["cross_mass"].push_back(rounded(mass));
  data["nodes"] = nodes_of(graph, drawn, place);
  data["edges"] = edges_of(graph, place);
  data["spectrogram"] = spectrogram(graph, mel);
  data["shown_features"] = std::count_if(place.begin(), place.end(), [&](const int& p) {
    return p >= 0 && graph.nodes[static_cast<size_t>(&p - place.data())].kind == NodeKind::feature;
  });
  int64_t kept = 0;
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    kept += graph.pruned.node[i] && graph.nodes[i].kind == NodeKind::feature;
  data["kept_features"] = kept;
  data["explored"] = graph.figures.explored;
  data["figures"] = {{"replacement", rounded(graph.figures.replacement)},
                     {"completeness", rounded(graph.figures.completeness)},
                     {"errors", rounded(graph.figures.error_share)},
                     {"leaves", rounded(graph.figures.leaf_share)},
                     {"padding", rounded(graph.figures.padding_share)},
                     {"left out", rounded(graph.figures.rest_share)},
                     {"worst sum", graph.check.worst},
                     {"worst logit", graph.check.worst_logit}};
  data["notes"] = graph.notes;
  OrderedJson groups = OrderedJson::array();
  for (const Supernode& group : graph.groups) groups.push_back(group.label);
  data["groups"] = groups;
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" +
         markup_escaped(graph.target_text) + "</title>\n<style>\n" +
         std::string(embedded::graph_css) +
         "</style></head>\n<body>\n<main id=\"graph\"></main>\n"
         "<script type=\"application/json\" id=\"data\">" +
         inside_script(data) + "</script>\n<script type=\"module\">\n" +
         std::string(embedded::graph_js) + "</script>\n</body></html>\n";
}

}  // namespace otoscope::circuits
