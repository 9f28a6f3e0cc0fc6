#pragma once
/// Reverse mode through the whole model: cotangents at any read sites and positions, gathered at
/// many write sites; many targets on one forward. Weights are constants.

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "otoscope/model/whisper.h"

namespace otoscope::model {

/// What is held constant in the backward pass (circuit tracing linearises this way).
struct Freeze {
  bool attn_patterns = false;
  bool norm_scales = false;
  bool mlp_gates = false;
};

/// A cotangent at a site: same shape as the site's value in the recorded forward.
struct Cotangent {
  Site site;
  View<const float> value;
};

/// The forward with what its backward needs. Edits of hooks are part of the forward; a replaced
/// site is a leaf where the edit does not depend on the input (replace hooks are treated as
/// constants: the cotangent stops there unless `through_edits`).
class Tape {
 public:
  /// mel: (B, 2 n_audio_ctx, n_mels); tokens: (B, n) or empty for the encoder alone.
  Tape(const Whisper& model, View<const float> mel, View<const int64_t> tokens, Rows rows = {},
       Hooks hooks = {}, bool through_edits = false);
  /// The same taken up at a row site of the encoder (can_resume_at) with x: (B, n_audio_ctx, d) as
  /// its value. Sites before it are not recorded and their gradients are zero.
  static Tape resumed(const Whisper& model, const Site& from, View<const float> x,
                      View<const int64_t> tokens, Rows rows = {}, Hooks hooks = {},
                      bool through_edits = false);
  ~Tape();
  Tape(Tape&&) noexcept;

  /// Value of a site in the recorded forward (encoder.out, logits and every write site).
  View<const float> value(const Site& site) const;

  /// Total gradient of sum over reads of <cotangent, site> at each write site, in the order given.
  /// May be called any number of times on one forward.
  std::vector<Tensor<float>> gradients(std::span<const Cotangent> reads,
                                       std::span<const Site> writes,
                                       const Freeze& freeze = {}) const;

 private:
  struct Impl;
  explicit Tape(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace otoscope::model
