#include <algorithm>
#include <cmath>

#include "model/frozen/impl.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::model {
namespace {

using Stream = Tensor<float>;  // (T, N, d), empty while no target has reached it

class FrozenBack {
 public:
  FrozenBack(const FrozenModel::Impl& m, std::span<const FrozenRead> reads, int64_t targets,
             const FrozenModel::Visit& visit, const FrozenModel::BackOptions& options)
      : m_(m),
        reads_(reads),
        N_(targets),
        visit_(visit),
        cross_keys_(options.cross_keys),
        last_cross_only_(options.last_cross_only) {
    padding_.assign(static_cast<size_t>(targets), 0.0);
  }

  std::vector<double> run() {
    Stream audio = decoder();
    Stream x;
    if (!audio.empty()) {
      x = Stream(audio.shape());
      frozen_norm_vjp(m_.w.ln_post, m_.kept(Stack::encoder, Point::out_scale, -1), audio, x);
    }
    audio = {};
    encoder(std::move(x));
    return std::move(padding_);
  }

 private:
  Stream fresh(Stack stack) const {
    return Stream({m_.positions(stack), N_, m_.w.dims.n_audio_state});
  }

  /// Adds what is read at one place to the stream there.
  void add_reads(const Site& site, const NormWeights* norm, View<const float> scale,
                 Stream& x) const {
    for (const FrozenRead& read : reads_) {
      if (!(read.site == site)) continue;
      if (x.empty()) x = fresh(site.stack);
      float* row = x.view().row(read.position * N_ + read.target);
      const int64_t d = x.shape()[2];
      if (norm != nullptr)
        frozen_norm_row_vjp(*norm, scale[read.position], read.direction.data, d, row);
      else
        for (int64_t j = 0; j < d; ++j) row[j] += read.direction[j];
    }
  }

  /// What a target gets from padding: <gz, held part of z>.   gz: (Q, N, d)
  void add_padding(const FrozenAttention& frozen, View<const float> gz) {
    if (frozen.padding.empty() || cross_keys_) return;
    const int64_t d = gz.width();
    parallel_ranges(N_, 8, [&](int64_t begin, int64_t end) {
      for (int64_t n = begin; n < end; ++n)
        for (int64_t q = 0; q < gz.shape[0]; ++q)
          padding_[static_cast<size_t>(n)] += static_cast<double>(
              kernels::dot(gz.row(q * N_ + n), frozen.padding.data() + q * d, d));
    });
  }

  /// gz (Q, N, d) -> gradient of the keys' input through the values (K, N, d), added to `into`.
  void through_values(const AttentionWeights& a, const FrozenAttention& frozen,
                      View<const float> gz, View<float> into) const {
    const int64_t H = frozen.pattern.shape()[0], Q = frozen.pattern.shape()[1],
                  K = frozen.pattern.shape()[2], d = gz.width(), D = d / H;
    auto from = Stream::uninitialized({Q, N_ * D}), to = Stream::uninitialized({K, N_ * D});
    auto gv = Stream::uninitialized({K, N_, d});
    for (int64_t h = 0; h < H; ++h) {
      gather_head(gz, h, H, from);
      kernels::gemm(kernels::transposed(frozen.pattern.view().sub(h)), {from.view()}, to);
      scatter_head(to, h, H, gv);
    }
    a.value.vjp(gv, into, true);
  }

  /// The same through the cross-attention's keys, to first order:
  ///   ds_qk = P_qk (gz_q . v_k - gz_q . z_q),  gk_k = sum_q ds_qk q_q / sqrt(D)
  void through_keys(const AttentionWeights& a, int l, View<const float> gz,
                    View<float> into) const {
    const FrozenAttention& frozen = m_.record.cross[static_cast<size_t>(l)];
    const int64_t H = frozen.pattern.shape()[0], Q = frozen.pattern.shape()[1],
                  K = frozen.pattern.shape()[2], d = gz.width(), D = d / H;
    const View<const float> v = m_.kept(Stack::decoder, Point::cross_v, l),
                            z = m_.kept(Stack::decoder, Point::cross_z, l),
                            query = m_.kept(Stack::decoder, Point::cross_q, l);
    const float scale = 1.0f / std::sqrt(static_cast<float>(D));
    Stream gk({K, N_, d});
    parallel_ranges(K, 16, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k)
        for (int64_t n = 0; n < N_; ++n)
          for (int64_t h = 0; h < H; ++h) {
            float* out = gk.view().row(k * N_ + n) + h * D;
            for (int64_t q = 0; q < Q; ++q) {
              const float* g = gz.row(q * N_ + n) + h * D;
              const float p = frozen.pattern[(h * Q + q) * K + k];
              const float* vk = v.data + (h * K + k) * D;
              const float* zq = z.data + (h * Q + q) * D;
              float through = 0;
              for (int64_t j = 0; j < D; ++j) through += g[j] * (vk[j] - zq[j]);
              const float ds = p * through * scale;
              const float* qq = query.data + (h * Q + q) * D;
              for (int64_t j = 0; j < D; ++j) out[j] += ds * qq[j];
            }
          }
    });
    a.key.vjp(gk, into, true);
  }

  void skip(Stack stack, int l, const NormWeights& norm, const Stream& post, Stream& mid) const {
    const auto found = m_.skips.find({stack, Point::ln2, l});
    if (found == m_.skips.end() || post.empty()) return;
    auto g = Stream::uninitialized(post.shape());
    const View<float> flat = g.view().flat();
    kernels::gemm({post.view().flat()}, {found->second}, flat);
    frozen_norm_vjp(norm, m_.kept(stack, Point::ln2_scale, l), g, mid);
  }

  void self_attention(Stack stack, int l, const BlockWeights& b, const FrozenAttention& frozen,
                      Stream& x) {
    auto gz = Stream::uninitialized(x.shape());
    b.attn.out.vjp(x, gz);
    add_padding(frozen, gz);
    Stream input(x.shape());
    through_values(b.attn, frozen, gz, input);
    frozen_norm_vjp(b.attn_ln, m_.kept(stack, Point::ln1_scale, l), input, x);
  }

  Stream decoder() {
    const Stack stack = Stack::decoder;
    Stream x, audio;
    add_reads({stack, Point::out, -1}, &m_.w.ln, m_.kept(stack, Point::out_scale, -1), x);
    for (int l = m_.w.dims.n_text_layer - 1; l >= 0; --l) {
      const BlockWeights& b = m_.w.decoder[static_cast<size_t>(l)];
      if (!x.empty() && !cross_keys_) visit_({stack, Point::mlp_out, l}, x);
      if (!x.empty()) {
        const Stream post = m_.skips.empty() ? Stream() : x.clone();
        skip(stack, l, b.mlp_ln, post, x);
      }
      add_reads({stack, Point::ln2, l}, &b.mlp_ln, m_.kept(stack, Point::ln2_scale, l), x);
      add_reads({stack, Point::resid_cross, l}, nullptr, {}, x);
      if (x.empty()) continue;
      {
        const FrozenAttention& cross = m_.record.cross[static_cast<size_t>(l)];
        auto gz = Stream::uninitialized(x.shape());
        b.cross_attn.out.vjp(x, gz);
        add_padding(cross, gz);
        if (audio.empty()) audio = fresh(Stack::encoder);
        const bool counts = !last_cross_only_ || l == m_.w.dims.n_text_layer - 1;
        if (counts && cross_keys_) through_keys(b.cross_attn, l, gz, audio);
        if (counts && !cross_keys_) through_values(b.cross_attn, cross, gz, audio);
      }
      self_attention(stack, l, b, m_.record.decoder[static_cast<size_t>(l)], x);
    }
    if (!x.empty() && !cross_keys_) visit_({stack, Point::embed, -1}, x);
    return audio;
  }

  void encoder(Stream x) {
    const Stack stack = Stack::encoder;
    for (int l = m_.w.dims.n_audio_layer - 1; l >= 0; --l) {
      const BlockWeights& b = m_.w.encoder[static_cast<size_t>(l)];
      if (!x.empty()) {
        visit_({stack, Point::mlp_out, l}, x);
        const Stream post = m_.skips.empty() ? Stream() : x.clone();
        skip(stack, l, b.mlp_ln, post, x);
      }
      add_reads({stack, Point::ln2, l}, &b.mlp_ln, m_.kept(stack, Point::ln2_scale, l), x);
      add_reads({stack, Point::resid_mid, l}, nullptr, {}, x);
      if (!x.empty()) self_attention(stack, l, b, m_.record.encoder[static_cast<size_t>(l)], x);
    }
    if (!x.empty()) visit_({stack, Point::conv2, -1}, x);
  }

  const FrozenModel::Impl& m_;
  std::span<const FrozenRead> reads_;
  int64_t N_;
  const FrozenModel::Visit& visit_;
  bool cross_keys_, last_cross_only_;
  std::vector<double> padding_;
};

}  // namespace

std::vector<double> FrozenModel::back(std::span<const FrozenRead> reads, int64_t targets,
                                      const Visit& visit, const BackOptions& options) const {
  for (const FrozenRead& read : reads)
    OTO_ASSERT(read.target >= 0 && read.target < targets && read.position >= 0 &&
               read.position < impl_->positions(read.site.stack) &&
               read.direction.size() == impl_->w.dims.n_audio_state);
  return FrozenBack(*impl_, reads, targets, visit, options).run();
}

int64_t FrozenModel::bytes_for(int64_t targets) const {
  // Streams alive at once: x, its gradient before W_o, the values', their input, one head twice; a
  // skip keeps what came from above and what it makes of it.
  const int64_t streams = impl_->skips.empty() ? 6 : 8;
  return streams * (impl_->frames + impl_->n_tokens) * targets * impl_->w.dims.n_audio_state *
         int64_t{sizeof(float)};
}

}  // namespace otoscope::model
