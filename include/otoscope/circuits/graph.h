#pragma once
/// The attribution graph of one input: what its nodes are, where they are in time, what their edges
/// add up to (methods.md §6.2, §6.5).

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/circuits/adjacency.h"
#include "otoscope/model/site.h"

namespace otoscope::circuits {

enum class NodeKind : uint8_t { feature, error, frame, token, padding, logit };
std::string_view node_kind_name(NodeKind kind);

/// Layers: 0 .. Le-1 encoder blocks, Le .. Le+Ld-1 decoder blocks, Le+Ld+1 logits; -1 leaves.
struct Node {
  NodeKind kind = NodeKind::feature;
  int layer = -1;
  model::Stack stack = model::Stack::encoder;
  int32_t feature = -1;        // of the layer's transcoder; token id of tokens and logits
  int64_t begin = 0, end = 0;  // positions [begin, end): frames, or decoder tokens
  int64_t members = 0;         // positions of a feature's run at which it is active
  double activation = 0;       // sum over the run
  double peak = 0;             // largest of the run
  double probability = 0;      // of a logit
  std::string label;
  bool target = false;        // its incoming edges were computed
  double pre_activation = 0;  // of a target: summed over the run; of a logit: the centred logit
  double bias = 0;            // what no source gives: positions, biases, b_dec, b_enc
  double input = 0;           // sum of all edges, also of those that were left out
  double input_size = 0;      // sum of their |weights|
  double influence = 0;       // I of methods.md §6.3
  double key_influence = 0;   // through the cross-attention's keys, to first order (logits only)
  int group = -1;             // supernode
};

/// |sum of edges + bias - pre-activation| against sum |edges|: exact up to rounding, or a bug.
struct SumCheck {
  static constexpr double kWorst = 1e-4, kWorstLogit = 1e-3;  // allowed
  int64_t targets = 0;
  double worst = 0;  // largest |error| / max(sum |edges|, 1e-6)
  int worst_node = -1;
  double worst_logit = 0;  // largest |logit of the replacement model - real logit|
  bool holds() const { return worst <= kWorst && worst_logit <= kWorstLogit; }
};

/// How well a block's transcoder does on this very input.
struct LayerFigures {
  int layer = 0;
  double fvu = 0;  // error's energy over that of the MLP's output around its mean
  double l0 = 0;   // active features a position
};

struct GraphFigures {
  int64_t active_features = 0;                             // runs, before any choice
  int64_t explored = 0;                                    // features whose inputs were computed
  double replacement = 0, completeness = 0;                // of everything explored
  double pruned_replacement = 0, pruned_completeness = 0;  // of what is shown, rest kept
  double rest_share = 0;  // of the influence that ends somewhere, in sources left out of rows
  double error_share = 0, padding_share = 0, leaf_share = 0;
  double bias_share = 0;  // mean |bias| / (|bias| + sum |edges|) of targets, by influence
  double seconds = 0;
  std::vector<LayerFigures> layers;  // those with a transcoder
};

struct Supernode {
  std::string label;
  std::vector<int> nodes;
};

/// All nodes that were met and their rows; `pruned` says what is shown.
struct Graph {
  std::vector<Node> nodes;
  Adjacency adjacency;
  Pruned pruned;
  SumCheck check;
  GraphFigures figures;
  std::vector<Supernode> groups;

  // Of the input.
  std::string model, audio, target_text;
  int encoder_layers = 0, decoder_layers = 0;
  int64_t frames = 0;
  int pool = 1;             // frames of an audio leaf or an error node
  int gap = 1;              // silent frames over which a run goes on
  int64_t first_token = 0;  // decoder positions before it have no features
  std::vector<int64_t> tokens;
  std::vector<std::string> token_texts;
  std::vector<double> cross_mass;  // of the last token, by frame: where it looks
  std::vector<std::string> notes;
};

/// Where a node stands among prompt tokens: pooled frames, padding, then decoder tokens.
int64_t context_index(const Graph& graph, const Node& node);

/// A name that no other node of the graph has: three integers by `_`, as viewers parse them.
std::string node_id(const Graph& graph, int node);

}  // namespace otoscope::circuits
