#pragma once
/// A graph as files: Neuronpedia's attribution-graph JSON (formats.md §5.1), GraphML, and a page of
/// our own.

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "otoscope/circuits/graph.h"
#include "otoscope/core/tensor.h"

namespace otoscope::circuits {

struct ExportInfo {
  std::string slug;  // made of what the format allows ([A-Za-z0-9_.-])
  std::string scan;  // the model's name, likewise
  std::string prompt;
  double node_threshold = 0.8, edge_threshold = 0.98;
  int max_logits = 10;
  double logit_share = 0.95;
  int64_t max_nodes = 2048;
  int64_t created_ms = 0;
};

/// Shown nodes and edges. Ids are unique (errors are LAYER_-1_POS; the id that other programs would
/// give is in "legacy_id"); times, sums and checks are in "otoscope" members.
nlohmann::ordered_json neuronpedia_json(const Graph& graph, const ExportInfo& info);

/// What the published schema asks for and what its viewer needs beyond it: required keys, ids that
/// occur once, links between known nodes, ctx_idx inside prompt_tokens, logits' clerp, a numeric
/// layer over 0, slug and scan of allowed characters. UserError "[where] …" names the first fault.
void check_neuronpedia(const nlohmann::json& json, std::string_view where);

/// Shown nodes and edges for graph programs.
std::string graphml(const Graph& graph);

/// One page without a network: audio time along the bottom over its spectrogram, layers up, tokens
/// to the right; hover a node to see its edges, click to follow it. mel: (mel frames, mels) of the
/// window; at most `most` features are drawn.
std::string graph_page(const Graph& graph, const ExportInfo& info, View<const float> mel,
                       int most = 60);

/// Only the characters that ids of the format may have.
std::string safe_name(std::string_view text);
/// Cantor's pairing of layer and feature: (L+f)(L+f+1)/2 + f.
int64_t pair_number(int64_t layer, int64_t feature);

}  // namespace otoscope::circuits
