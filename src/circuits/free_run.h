#pragma once
/// The real model with features edited: recorded contributions are taken from the MLPs' outputs or
/// added to them, nothing is frozen.

#include <list>

#include "circuits/replacement.h"
#include "otoscope/model/hook.h"

namespace otoscope::circuits {

class FreeModel {
 public:
  /// mel and tokens: those that `frozen` recorded. All borrowed.
  FreeModel(const model::FrozenModel& frozen, const model::Whisper& model, View<const float> mel,
            View<const int64_t> tokens, const Transcoders& transcoders,
            const Replacement& replacement)
      : frozen_(frozen),
        model_(model),
        mel_(mel),
        tokens_(tokens),
        transcoders_(transcoders),
        replacement_(replacement) {}

  /// decoder.out and, if wanted, every transcoder's input, after the gate has changed what was
  /// recorded.
  model::Recorder run(const Replacement::Gate& gate, bool inputs) const;

  /// Mean of dM/dmlp_out by layer (rows of the recorded output, d) over `steps` points on the way
  /// from all features as recorded (included) to none (not included); layers without a transcoder
  /// are empty. M is the weighted sum of the targets' logits, against the mean of all or `against`.
  std::vector<Tensor<float>> mean_gradients(std::span<const LogitTarget> targets, int steps) const;

 private:
  /// Hooks that add `change` of each layer's output.
  struct Edits {
    std::list<model::Edit> edits;
    std::list<Tensor<float>> changes;
    std::vector<model::Hook*> hooks;
  };
  void add(Edits& edits, const Replacement::Gate& gate) const;

  const model::FrozenModel& frozen_;
  const model::Whisper& model_;
  View<const float> mel_;
  View<const int64_t> tokens_;
  const Transcoders& transcoders_;
  const Replacement& replacement_;
};

/// Effect of every feature's node on M to first order: sum over the run of a <g, d>, g from
/// mean_gradients(). One step is gradient x activation, more are integrated gradients.
std::vector<double> effects_of(const std::vector<Tensor<float>>& gradients,
                               const Transcoders& transcoders, const Sources& sources);

}  // namespace otoscope::circuits
