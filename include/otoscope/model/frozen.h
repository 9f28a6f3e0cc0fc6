#pragma once
/// The model at one recorded input with its attention patterns and norm scales held, and its MLPs
/// cut out: then everything between the sources (conv2 at each frame, the decoder's embeddings, the
/// MLPs' outputs) and any read of a stream is affine (methods.md §6.2, §6.5). Forward and
/// transpose, the latter for many targets at once.
///
/// Only the first `frames` positions of the encoder take part. What attention reads from positions
/// behind them (padding) is held at its recorded value and is a source of its own.

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "otoscope/model/whisper.h"

namespace otoscope::model {

/// Where a target reads: the input of an MLP (ln2, or the stream before it: resid_mid,
/// decoder resid_cross) or decoder.out.
struct FrozenRead {
  Site site;
  int64_t position = 0;
  int64_t target = 0;           // reads of one target add up
  View<const float> direction;  // (d)
};

class FrozenModel {
 public:
  struct Impl;  // src/model/frozen/impl.h
  /// mel: (1, mel frames, mels); tokens: (1, n); 0 < frames <= n_audio_ctx. Runs the model once,
  /// with the hooks' edits. Borrows the model. fp32 models only: UserError otherwise.
  FrozenModel(const Whisper& model, View<const float> mel, View<const int64_t> tokens,
              int64_t frames, Hooks hooks = {});
  ~FrozenModel();
  FrozenModel(FrozenModel&&) noexcept;

  int64_t frames() const;
  int64_t tokens() const;
  /// Recorded values of the first `frames` positions, or of all tokens, (T, d): encoder.conv2,
  /// decoder.embed, decoder.out, logits and of each block ln2, mlp_out, resid_mid (decoder
  /// resid_cross).
  View<const float> value(const Site& site) const;
  /// Cross-attention weights that the last token gives each frame, over layers and heads, (frames).
  std::vector<double> cross_mass() const;

  /// W: (d, d) of a skip transcoder that reads ln2 of this block: mlp_out += W ln2 belongs to the
  /// path. Borrowed.
  void set_skip(Stack stack, int block, View<const float> W);

  /// What each block's MLP adds: called in order with the frozen map's values at its input.
  /// out: (T, d), zero on entry; a skip is added after the call.
  using Mlp = std::function<void(const Site& mlp_out, View<const float> ln2,
                                 View<const float> stream, View<float> out)>;
  struct Values {
    std::vector<Tensor<float>> encoder_ln2, encoder_mid, decoder_ln2, decoder_cross;  // by block
    Tensor<float> out;  // decoder.out (n, d)
    /// As FrozenRead names them.
    View<const float> at(const Site& site) const;
  };
  /// The affine map. conv2: (frames, d), embed: (n, d), or empty for zeros.
  Values forward(View<const float> conv2, View<const float> embed, const Mlp& mlp,
                 bool padding = true) const;

  /// Its transpose for `targets` targets. visit is called at each source from the top down
  /// (decoder mlp_out, decoder.embed, encoder mlp_out, encoder.conv2) with g: (T, targets, d), the
  /// gradient of every target with respect to that source at every position; sources that no
  /// target reaches are left out.
  using Visit = std::function<void(const Site& source, View<const float> g)>;
  struct BackOptions {
    /// Instead of what attention carries (values), the first-order effect through the
    /// cross-attention's keys: how sources move where the decoder looks. Not part of the exact map.
    bool cross_keys = false;
    bool last_cross_only = false;  // of the last decoder block alone
  };
  /// Returns what padding contributes to each target (empty-handed with cross_keys: zeros).
  std::vector<double> back(std::span<const FrozenRead> reads, int64_t targets, const Visit& visit,
                           const BackOptions& options) const;
  std::vector<double> back(std::span<const FrozenRead> reads, int64_t targets,
                           const Visit& visit) const {
    return back(reads, targets, visit, BackOptions{});
  }
  /// Bytes that back() needs for so many targets.
  int64_t bytes_for(int64_t targets) const;

 private:
  std::unique_ptr<Impl> impl_;
};

/// The token embedding, (V, d): logits = decoder.out times its transpose. Lives as long as the
/// model.
View<const float> unembedding(const Whisper& model);
/// The gain of the decoder's last norm, (d).
View<const float> last_gain(const Whisper& model);

}  // namespace otoscope::model
