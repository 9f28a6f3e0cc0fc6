#pragma once
/// A sparse autoencoder in otoscope's normal form (formats.md §4.1): one row per feature in both
/// matrices.
///   z = act(W_enc (norm(x) - c) + b_enc),  xhat = denorm(z W_dec + b_dec),  c = b_dec or 0

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "otoscope/core/tensor.h"
#include "otoscope/kernels/gemm.h"
#include "otoscope/kernels/sparse.h"

namespace otoscope::sae {

enum class Activation { relu, topk, jumprelu, gated };
enum class Normalize { none, constant_norm_rescale, layer_norm };

struct Sae {
  Tensor<float> W_enc;      // (F, d)
  Tensor<float> W_dec;      // (F, d_out)
  Tensor<float> b_enc;      // (F); gated: b_gate
  Tensor<float> b_dec;      // (d_out)
  Tensor<float> threshold;  // (F), jumprelu
  Tensor<float> b_mag;      // (F), gated
  Tensor<float> r_mag;      // (F), gated
  Tensor<float> W_skip;     // (d_out, d), skip transcoders: xhat += W_skip x
  Activation activation = Activation::relu;
  Normalize normalize = Normalize::none;
  int64_t k = 0;  // topk
  bool rescale_by_decoder_norm = false;
  bool apply_b_dec_to_input = true;

  // Provenance, kept through load and save.
  std::string architecture;  // as trained: "batchtopk", "matryoshka", "topk", ...
  std::string site, model_name, model_hash;
  std::string target_site;  // of a transcoder; empty: the site itself
  std::vector<int64_t> matryoshka_widths;
  std::string hash;      // SHA-256 of sae_weights.safetensors
  std::string otoscope;  // metadata.otoscope as JSON text: plan, options, figures of the training
  std::string saelens;   // the rest of a foreign file's metadata, as JSON text
  std::filesystem::path folder;

  int64_t d() const { return W_enc.shape()[1]; }
  int64_t d_out() const { return W_dec.shape()[1]; }
  int64_t F() const { return W_enc.shape()[0]; }
};

/// Reads a SAELens folder (cfg.json + sae_weights.safetensors): standard, topk, jumprelu, gated.
/// Everything is checked against everything; UserError says which tensor or key.
Sae load(const std::filesystem::path& folder);
/// Writes exactly SAELens's layout; our extras go under metadata.otoscope. Sets hash and folder.
void save(Sae& sae, const std::filesystem::path& folder);

/// c of a row x (d), where xhat = c (z W_dec + b_dec) + shift: 1 unless rows are normalised one by
/// one.
float output_scale(const Sae& sae, const float* x);

/// Ready to run: packed weights. Borrows the Sae.
class Encoder {
 public:
  explicit Encoder(const Sae& sae, Precision p = Precision::f32);
  ~Encoder();
  /// x: (B, d) raw activations -> codes. Row-independent, so any batch split gives the same codes.
  void encode(View<const float> x, SparseRows& codes) const;
  /// codes -> xhat (B, d_out) in raw units. x is needed where the normalisation is per row.
  void decode(const SparseRows& codes, View<const float> x, View<float> xhat) const;
  void reconstruct(View<const float> x, View<float> xhat) const;
  /// All pre-activations (B, F), before the activation function.
  void pre_activations(View<const float> x, View<float> pre) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace otoscope::sae
