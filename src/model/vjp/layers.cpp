#include <algorithm>

#include "model/vjp/backward.h"
#include "model/vjp/norm_vjp.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::model {

Tensor<float> Backward::mlp(Stack stack, int block, const MlpWeights& w, Gradient g) {
  visit({stack, Point::mlp_out, block}, g);
  const View<const float> pre = record_.at({stack, Point::mlp_pre, block});
  Gradient hidden;
  if (!g.empty()) {
    hidden = Gradient::uninitialized(pre.shape);
    w.down.vjp(g, hidden);
  }
  visit({stack, Point::mlp_post, block}, hidden);
  if (!hidden.empty()) kernels::gelu_vjp(pre, hidden, hidden, freeze_.mlp_gates);
  visit({stack, Point::mlp_pre, block}, hidden);
  if (hidden.empty()) return {};
  auto input = Gradient::uninitialized({pre.shape[0], pre.shape[1], w.up.in()});
  w.up.vjp(hidden, input);
  return input;
}

void Backward::norm(Stack stack, int block, const NormWeights& w, Point scale_point, Point point,
                    const Site& input, Gradient g, Gradient& stream) {
  const Site scale_site{stack, scale_point, block};
  visit({stack, point, block}, g);
  const View<const float> x = record_.at(input), used = record_.at(scale_site);
  const int64_t d = x.width();
  const auto row = [&](int64_t r) { return NormRow<float>{x.row(r), w.gain.data(), d}; };
  Gradient scale;
  if (!g.empty()) {
    scale = Gradient::uninitialized(used.shape);
    parallel_ranges(x.rows(), 64, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) scale[r] = row(r).scale_gradient(g.view().row(r));
    });
  }
  visit(scale_site, scale);
  if (freeze_.norm_scales) scale = {};
  if (g.empty() && scale.empty()) return;
  if (stream.empty()) stream = Gradient(x.shape);
  parallel_ranges(x.rows(), 64, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      float* dx = stream.view().row(r);
      if (!g.empty()) row(r).add_through_values(g.view().row(r), used[r], dx);
      if (!scale.empty()) row(r).add_through_scale(scale[r], dx);
    }
  });
}

Tensor<float> Backward::attention(Stack stack, int block, const AttentionWeights& w,
                                  const AttentionPoints& points, bool causal, Gradient g,
                                  Gradient* source) {
  visit({stack, points.out, block}, g);
  const View<const float> q = record_.at({stack, points.q, block});
  const View<const float> k = record_.at({stack, points.k, block});
  const int64_t d = q.shape[1] * q.shape[3];
  const Shape flat{q.shape[0], q.shape[2], d}, flat_keys{k.shape[0], k.shape[2], d};
  Gradient dz;
  if (!g.empty()) {
    auto merged = Gradient::uninitialized(flat);
    w.out.vjp(g, merged);
    dz = Gradient::uninitialized(q.shape);
    split_heads(merged, dz);
  }
  visit({stack, points.z, block}, dz);
  AttentionGradients core = attention_core(stack, block, points, causal, std::move(dz));
  visit({stack, points.v, block}, core.v);
  visit({stack, points.k, block}, core.k);
  visit({stack, points.q, block}, core.q);

  Gradient input;
  const auto through = [](const kernels::Linear& linear, const Gradient& heads, const Shape& shape,
                          Gradient& into) {
    if (heads.empty()) return;
    auto merged = Gradient::uninitialized(shape);
    merge_heads(heads, merged);
    const bool accumulate = !into.empty();
    if (!accumulate) into = Gradient::uninitialized(shape);
    linear.vjp(merged, into, accumulate);
  };
  through(w.query, core.q, flat, input);
  Gradient& keys_input = source != nullptr ? *source : input;
  through(w.key, core.k, flat_keys, keys_input);
  through(w.value, core.v, flat_keys, keys_input);
  return input;
}

}  // namespace otoscope::model
