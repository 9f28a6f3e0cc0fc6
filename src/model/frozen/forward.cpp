#include <algorithm>

#include "model/frozen/impl.h"
#include "otoscope/core/errors.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::model {
namespace {

class FrozenForward {
 public:
  explicit FrozenForward(bool padding) : padding_(padding) {}

  /// x += W_o (P v + what padding gives) + b_o, v from `keys_input`.
  void attention(const AttentionWeights& a, const FrozenAttention& frozen,
                 View<const float> keys_input, View<float> x) const {
    const int64_t H = frozen.pattern.shape()[0], Q = frozen.pattern.shape()[1],
                  K = frozen.pattern.shape()[2], d = x.width(), D = d / H;
    auto v = Tensor<float>::uninitialized({K, d});
    a.value.forward(keys_input, v);
    auto z = Tensor<float>::uninitialized({Q, d});
    auto v_head = Tensor<float>::uninitialized({K, D});
    auto z_head = Tensor<float>::uninitialized({Q, D});
    for (int64_t h = 0; h < H; ++h) {
      gather_head(v, h, H, v_head);
      kernels::gemm({frozen.pattern.view().sub(h)}, {v_head.view()}, z_head);
      scatter_head(z_head, h, H, z);
    }
    if (padding_ && !frozen.padding.empty())
      kernels::add(View<const float>{frozen.padding.data(), z.shape()}, z);
    auto out = Tensor<float>::uninitialized({Q, d});
    a.out.forward(z, out);
    kernels::add(out, x);
  }

 private:
  bool padding_;
};

Tensor<float> start(View<const float> given, int64_t positions, int64_t d) {
  if (!given.empty()) {
    OTO_ASSERT((given.shape == Shape{positions, d}));
    return Tensor<float>::copy_of(given);
  }
  return Tensor<float>({positions, d});
}

}  // namespace

View<const float> FrozenModel::Values::at(const Site& site) const {
  const bool decoder = site.stack == Stack::decoder;
  const auto l = static_cast<size_t>(site.block);
  switch (site.point) {
    case Point::ln2:
      return (decoder ? decoder_ln2 : encoder_ln2).at(l).view();
    case Point::resid_mid:
      if (!decoder) return encoder_mid.at(l).view();
      break;
    case Point::resid_cross:
      return decoder_cross.at(l).view();
    case Point::out:
      if (decoder) return out.view();
      break;
    default:
      break;
  }
  throw UserError(site_name(site), "expected the input of an MLP or decoder.out");
}

FrozenModel::Values FrozenModel::forward(View<const float> conv2, View<const float> embed,
                                         const Mlp& mlp, bool padding) const {
  const Impl& m = *impl_;
  const FrozenForward pass(padding);
  Values values;
  const auto run_mlp = [&](Stack stack, int l, View<const float> ln2, View<float> x) {
    Tensor<float> out(x.shape);
    mlp({stack, Point::mlp_out, l}, ln2, x, out);
    if (const auto skip = m.skips.find({stack, Point::ln2, l}); skip != m.skips.end())
      kernels::gemm({ln2}, kernels::transposed(skip->second), out, 1.0f);
    kernels::add(out, x);
  };

  Tensor<float> x = start(conv2, m.frames, m.w.dims.n_audio_state);
  kernels::add(m.w.audio_positions.view().slice(0, m.frames), x);
  auto normed = Tensor<float>::uninitialized(x.shape());
  for (int l = 0; l < m.w.dims.n_audio_layer; ++l) {
    const BlockWeights& b = m.w.encoder[static_cast<size_t>(l)];
    frozen_norm(b.attn_ln, m.kept(Stack::encoder, Point::ln1_scale, l), x, normed);
    pass.attention(b.attn, m.record.encoder[static_cast<size_t>(l)], normed, x);
    frozen_norm(b.mlp_ln, m.kept(Stack::encoder, Point::ln2_scale, l), x, normed);
    values.encoder_mid.push_back(x.clone());
    values.encoder_ln2.push_back(normed.clone());
    run_mlp(Stack::encoder, l, normed, x);
  }
  auto audio = Tensor<float>::uninitialized(x.shape());
  frozen_norm(m.w.ln_post, m.kept(Stack::encoder, Point::out_scale, -1), x, audio);

  Tensor<float> y = start(embed, m.n_tokens, m.w.dims.n_text_state);
  auto scaled = Tensor<float>::uninitialized(y.shape());
  for (int l = 0; l < m.w.dims.n_text_layer; ++l) {
    const BlockWeights& b = m.w.decoder[static_cast<size_t>(l)];
    frozen_norm(b.attn_ln, m.kept(Stack::decoder, Point::ln1_scale, l), y, scaled);
    pass.attention(b.attn, m.record.decoder[static_cast<size_t>(l)], scaled, y);
    pass.attention(b.cross_attn, m.record.cross[static_cast<size_t>(l)], audio, y);
    frozen_norm(b.mlp_ln, m.kept(Stack::decoder, Point::ln2_scale, l), y, scaled);
    values.decoder_cross.push_back(y.clone());
    values.decoder_ln2.push_back(scaled.clone());
    run_mlp(Stack::decoder, l, scaled, y);
  }
  values.out = Tensor<float>(y.shape());
  frozen_norm(m.w.ln, m.kept(Stack::decoder, Point::out_scale, -1), y, values.out);
  return values;
}

}  // namespace otoscope::model
