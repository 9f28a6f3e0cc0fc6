#pragma once
/// Whisper (Radford et al. 2022): immutable weights, and the passes over them.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "otoscope/core/progress.h"
#include "otoscope/kernels/gemm.h"
#include "otoscope/model/config.h"
#include "otoscope/model/hook.h"
#include "otoscope/model/site.h"

namespace otoscope::model {

struct LoadOptions {
  Precision precision = Precision::f32;
  /// The control of everything learned: entries of every linear and convolution weight permuted
  /// within the tensor by this seed; biases, norms, embeddings and positions kept. Its own hash.
  std::optional<uint64_t> shuffle_weights;
};

struct Weights;  // src/model/weights.h
class KvCache;   // model/cache.h

/// True for the sites that a forward can be taken up at: the encoder's residual stream.
bool can_resume_at(const Site& site);

class Whisper {
 public:
  /// A CTranslate2 folder, a Hugging Face folder (also sharded), or a name that `models get` knows
  /// and has fetched. UserError names the file and what is wrong with it.
  static Whisper load(const std::filesystem::path& name_or_folder, const LoadOptions& options = {},
                      Progress& progress = silent_progress());
  Whisper(Whisper&&) noexcept;
  Whisper& operator=(Whisper&&) noexcept;
  ~Whisper();

  const Dims& dims() const;
  /// SHA-256 over the model's tensors (and shuffle seed): what stores and SAEs are bound to.
  const std::string& hash() const;
  const std::filesystem::path& folder() const;
  Precision precision() const;
  const Weights& weights() const { return *weights_; }

  /// mel: (B, 2 n_audio_ctx, n_mels) -> encoder.out (B, n_audio_ctx, d). rows.B/item/valid describe
  /// the batch; missing spans mean item = 0..B-1 and all frames valid. Throws UserError if a hook
  /// wanted no site of the whole model. The forward stops early when `until` is given: after that
  /// site the result is empty.
  Tensor<float> encode(View<const float> mel, Rows rows = {}, Hooks hooks = {},
                       std::optional<Site> until = {}) const;

  /// The same forward taken up at a row site of the encoder's residual stream (encoder.embed,
  /// encoder.blocks.N.resid_pre/resid_mid/resid_post, encoder.out) with x: (B, n_audio_ctx, d) as
  /// its value.
  Tensor<float> encode_from(const Site& site, View<const float> x, Rows rows = {},
                            Hooks hooks = {}) const;

  /// Teacher-forced: audio (B, n_audio_ctx, d), tokens (B, n) -> logits (B, n, V). rows.valid =
  /// tokens per row. Stops after `until` as encode does.
  Tensor<float> decode_forced(View<const float> audio, View<const int64_t> tokens, Rows rows = {},
                              Hooks hooks = {}, std::optional<Site> until = {}) const;

  /// Cross-attention keys and values of every layer, once per batch of windows.
  KvCache make_cache(View<const float> audio, int64_t max_tokens, Rows rows = {},
                     Hooks hooks = {}) const;
  /// One or more new tokens per row, (B, n) -> logits of the last position (B, V), or of all (B, n,
  /// V).
  Tensor<float> decode_step(KvCache& cache, View<const int64_t> tokens, Rows rows = {},
                            Hooks hooks = {}, bool all_positions = false) const;

 private:
  Whisper();
  std::shared_ptr<const Weights> weights_;
};

}  // namespace otoscope::model
