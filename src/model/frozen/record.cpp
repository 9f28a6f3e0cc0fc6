#include "model/frozen/record.h"

#include <algorithm>

#include "otoscope/kernels/gemm.h"

namespace otoscope::model {
namespace {

bool is_pattern(Point p) { return p == Point::attn_pattern || p == Point::cross_attn_pattern; }

/// The first n rows of each head: (1, H, T, W) -> (H, n, W).
Tensor<float> first_rows(View<const float> x, int64_t n) {
  const int64_t H = x.shape[1], T = x.shape[2], W = x.shape[3];
  auto out = Tensor<float>::uninitialized({H, n, W});
  for (int64_t h = 0; h < H; ++h) std::copy_n(x.data + h * T * W, n * W, out.data() + h * n * W);
  return out;
}

}  // namespace

FrozenRecord::FrozenRecord(const Dims& dims, int64_t frames, int64_t tokens, Hooks hooks)
    : encoder(static_cast<size_t>(dims.n_audio_layer)),
      decoder(static_cast<size_t>(dims.n_text_layer)),
      cross(decoder.size()),
      table_(dims, hooks),
      frames_(frames),
      tokens_(tokens) {}

bool FrozenRecord::keeps(const Site& site) const {
  const bool decoder_stack = site.stack == Stack::decoder;
  switch (site.point) {
    case Point::ln1_scale:
    case Point::ln2_scale:
    case Point::ln_cross_scale:
    case Point::out_scale:
    case Point::ln2:
    case Point::mlp_out:
    case Point::v:
    case Point::cross_v:
    case Point::attn_pattern:
    case Point::cross_attn_pattern:
      return true;
    case Point::conv2:
    case Point::resid_mid:
      return !decoder_stack;
    case Point::embed:
    case Point::resid_cross:
    case Point::out:
    case Point::logits:
    case Point::cross_q:
    case Point::cross_z:
      return decoder_stack;
    default:
      return false;
  }
}

Want FrozenRecord::ask(const Site& site) {
  const Want theirs = table_.wanted(site.stack, site.point, site.block);
  return static_cast<Want>(static_cast<uint8_t>(theirs) |
                           static_cast<uint8_t>(keeps(site) ? Want::observe : Want::none));
}

void FrozenRecord::replace(const Site& site, const Rows& rows, View<float> x) {
  table_.fire(site, rows, x);
}

void FrozenRecord::observe(const Site& site, const Rows& rows, View<const float> x) {
  const Want theirs = table_.wanted(site.stack, site.point, site.block);
  if (theirs == Want::observe) table_.fire(site, rows, {const_cast<float*>(x.data), x.shape});
  if (!keeps(site)) return;
  if (is_pattern(site.point)) return keep_pattern(site, x);
  const bool of_frames = site.stack == Stack::encoder || site.point == Point::cross_v;
  const int64_t n = of_frames ? frames_ : tokens_;
  if (site.point == Point::v || site.point == Point::cross_v) latest_v_ = x;
  if (site.point == Point::v) return;
  if (x.shape.rank() == 4) {
    values.insert_or_assign(site, first_rows(x, n));
    return;
  }
  const bool scale = x.shape.rank() == 2;
  const Shape kept = scale ? Shape{n} : Shape{n, x.width()};
  values.insert_or_assign(site, Tensor<float>::copy_of({x.data, kept}));
}

/// pattern: (1, H, Q, S). Keys behind those that take part are summed with their values now.
void FrozenRecord::keep_pattern(const Site& site, View<const float> pattern) {
  const bool is_cross = site.point == Point::cross_attn_pattern;
  const bool of_frames = site.stack == Stack::encoder;
  const int64_t H = pattern.shape[1], rows = pattern.shape[2], S = pattern.shape[3];
  const int64_t Q = of_frames ? frames_ : tokens_;
  const int64_t K = of_frames || is_cross ? frames_ : tokens_, D = latest_v_.shape[3];
  FrozenAttention& kept = (of_frames  ? encoder
                           : is_cross ? cross
                                      : decoder)[static_cast<size_t>(site.block)];
  kept.pattern = Tensor<float>::uninitialized({H, Q, K});
  if (S > K) kept.padding = Tensor<float>::uninitialized({Q, H, D});
  auto behind = Tensor<float>::uninitialized({Q, std::max<int64_t>(S - K, 1)});
  auto sum = Tensor<float>::uninitialized({Q, D});
  for (int64_t h = 0; h < H; ++h) {
    for (int64_t q = 0; q < Q; ++q) {
      const float* row = pattern.data + (h * rows + q) * S;
      std::copy_n(row, K, kept.pattern.data() + (h * Q + q) * K);
      if (S > K) std::copy_n(row + K, S - K, behind.view().row(q));
    }
    if (S == K) continue;
    const View<const float> v{latest_v_.data + (h * S + K) * D, Shape{S - K, D}};
    kernels::gemm({behind.view()}, {v}, sum);
    for (int64_t q = 0; q < Q; ++q)
      std::copy_n(sum.view().row(q), D, kept.padding.data() + (q * H + h) * D);
  }
}

}  // namespace otoscope::model
