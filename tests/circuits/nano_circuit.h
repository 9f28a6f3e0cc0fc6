#pragma once
/// whisper-nano with hand-made transcoders: random, but with features that fire on a fifth of the
/// positions, so that graphs have every kind of node.

#include <cmath>

#include "model/nano.h"
#include "model/paths.h"
#include "otoscope/circuits/trace.h"
#include "otoscope/core/rng.h"

namespace otoscope::testing {

inline sae::Sae nano_transcoder(model::Stack stack, int block, bool skip = false,
                                bool from_stream = false, int64_t F = 48) {
  using model::Point;
  const int64_t d = nano().dims().n_audio_state;
  Rng rng(17 + static_cast<uint64_t>(block) * 2 + (stack == model::Stack::decoder), "transcoder");
  sae::Sae sae;
  sae.W_enc = Tensor<float>({F, d});
  sae.W_dec = Tensor<float>({F, d});
  sae.b_enc = Tensor<float>({F});
  sae.b_dec = Tensor<float>({d});
  for (float& v : sae.W_enc.view().span())
    v = static_cast<float>(rng.normal() / std::sqrt(static_cast<double>(d)));
  for (float& v : sae.W_dec.view().span()) v = static_cast<float>(0.05 * rng.normal());
  for (float& v : sae.b_enc.view().span()) v = static_cast<float>(-0.3 + 0.1 * rng.normal());
  for (float& v : sae.b_dec.view().span()) v = static_cast<float>(0.02 * rng.normal());
  if (skip) {
    sae.W_skip = Tensor<float>({d, d});
    for (float& v : sae.W_skip.view().span()) v = static_cast<float>(0.01 * rng.normal());
  }
  sae.activation = sae::Activation::relu;
  sae.apply_b_dec_to_input = block % 2 == 0;
  const Point stream = stack == model::Stack::encoder ? Point::resid_mid : Point::resid_cross;
  sae.site = model::site_name({stack, from_stream ? stream : Point::ln2, block});
  sae.target_site = model::site_name({stack, Point::mlp_out, block});
  return sae;
}

/// One of every kind: plain, with skip, from the stream; the last decoder block has none.
inline circuits::Transcoders nano_transcoders() {
  std::vector<sae::Sae> saes;
  saes.push_back(nano_transcoder(model::Stack::encoder, 0));
  saes.push_back(nano_transcoder(model::Stack::encoder, 1, true));
  saes.push_back(nano_transcoder(model::Stack::decoder, 0, false, true));
  return circuits::Transcoders(std::move(saes), nano().dims());
}

struct NanoClip {
  Tensor<float> mel;       // (1, 200, 80)
  Tensor<int64_t> tokens;  // (1, n)
};

inline NanoClip nano_clip(int64_t item = 0, int64_t n = 5) {
  const NanoInput input = nano_input();
  return {Tensor<float>::copy_of(input.mel.view().slice(item, item + 1)),
          Tensor<int64_t>::copy_of({input.tokens.view().row(item), Shape{1, n}})};
}

inline const model::Tokenizer& nano_tokenizer() {
  static const model::Tokenizer tokenizer =
      model::Tokenizer::load(golden("whisper_nano"), nano().dims().n_vocab);
  return tokenizer;
}

inline const model::Site kLogits{model::Stack::decoder, model::Point::logits, -1};

/// A clip of whisper-nano traced through transcoders, and all that tracing borrows.
struct NanoTrace {
  NanoClip clip = nano_clip();
  circuits::Transcoders transcoders;
  model::FrozenModel frozen;
  std::vector<circuits::LogitTarget> targets;
  circuits::Graph graph;

  explicit NanoTrace(circuits::Transcoders of = nano_transcoders(), int64_t frames = 40,
                     int most_targets = 3, const circuits::TraceOptions& options = {})
      : transcoders(std::move(of)),
        frozen(nano(), clip.mel, clip.tokens, frames),
        targets(
            circuits::likely_targets(frozen.value(kLogits), nano_tokenizer(), 0.95, most_targets)),
        graph(circuits::trace(frozen, nano(), transcoders, targets, options)) {}
};

}  // namespace otoscope::testing
