#pragma once
/// Rows of the graph: all edges into a block of targets by one pass of the transposed map.

#include <span>

#include "circuits/sources.h"

namespace otoscope::circuits {

class EdgeMaker {
 public:
  /// targets: what the logit nodes behind the sources stand for, in their order.
  EdgeMaker(const model::FrozenModel& frozen, const model::Whisper& model,
            const Transcoders& transcoders, const Sources& sources,
            std::span<const LogitTarget> targets);

  /// Fills rows, rest and the sums of these nodes (features or logits).
  void make_rows(std::span<const int32_t> targets, int top_sources, Graph& graph) const;
  /// Signed first-order effect through the cross-attention's keys on the logit targets, weighted,
  /// by source.
  std::vector<double> key_influence(const Graph& graph) const;

 private:
  std::vector<model::FrozenRead> reads_of(std::span<const int32_t> targets,
                                          std::span<const Node> nodes) const;
  /// sums: (sources, targets), added to.
  void contract(const model::Site& site, View<const float> g, std::vector<double>& sums) const;
  void contract_layer(int into, View<const float> g, std::vector<double>& sums) const;
  /// What the node really is before its activation function, and what of it is bias.
  void check_target(int64_t id, Node& node) const;
  int decoder_layers() const;

  const model::FrozenModel& frozen_;
  const Transcoders& transcoders_;
  const Sources& sources_;
  std::span<const LogitTarget> targets_;
  Tensor<float> directions_;  // (logit targets, d)
  int64_t first_logit_;
  model::FrozenModel::Values biases_;  // of the frozen map with all sources at zero
};

}  // namespace otoscope::circuits
