#pragma once
/// The replacement model run again: attention and norms frozen, transcoders alive, errors constant.

#include <functional>

#include "circuits/sources.h"

namespace otoscope::circuits {

class Replacement {
 public:
  Replacement(const model::FrozenModel& frozen, const Transcoders& transcoders,
              const Sources& sources);

  /// What becomes of an activation: layer, position, feature, value -> value.
  using Gate = std::function<float(int layer, int64_t position, int32_t feature, float value)>;
  /// Features are computed again from what reaches them, then gated.
  model::FrozenModel::Values run(const Gate& gate) const;
  /// Features as recorded, gated: direct effects alone.
  model::FrozenModel::Values constrained(const Gate& gate) const;
  /// What a gate changes of one layer's recorded output, (T, d); false if nothing.
  bool change_of(int layer, const Gate& gate, View<float> change) const;

 private:
  using CodesOf = std::function<const SparseRows&(int layer)>;
  void write(int layer, const CodesOf& codes, const Gate& gate, View<float> out) const;

  const model::FrozenModel& frozen_;
  const Transcoders& transcoders_;
  const Sources& sources_;
  std::vector<std::unique_ptr<sae::Encoder>> encoders_;  // by layer
  int encoder_layers_ = 0;
};

/// Pre-activation of every target of a graph (features summed over their run, logits centred) at
/// the given values of the read sites.
class TargetReader {
 public:
  TargetReader(const model::Whisper& model, const Transcoders& transcoders, const Sources& sources,
               std::span<const LogitTarget> targets, const Graph& graph);
  using At = std::function<View<const float>(const model::Site& site)>;
  /// By node of the graph; 0 for nodes that are no targets.
  std::vector<double> read(const At& at) const;
  /// Weighted sum of the logit targets: M.
  double metric(const At& at) const;
  int64_t first_logit() const { return first_logit_; }

 private:
  double logit(size_t i, const At& at) const;
  const Transcoders& transcoders_;
  const Sources& sources_;
  std::span<const LogitTarget> targets_;
  const Graph& graph_;
  Tensor<float> directions_;
  int64_t first_logit_;
};

}  // namespace otoscope::circuits
