#include <algorithm>
#include <cmath>
#include <limits>

#include "model/vjp/backward.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::model {
namespace {

/// Matrices of T x S that are worked on at once.
constexpr int64_t kChunkFloats = int64_t{1} << 22;

/// Sets entries that a causal query may not see.   x: (n, T, S)
void fill_unseen(View<float> x, float value) {
  const int64_t T = x.shape[1], S = x.shape[2];
  for (int64_t i = 0; i < x.shape[0] * T; ++i)
    std::fill(x.row(i) + (S - T + i % T + 1), x.row(i) + S, value);
}

/// Entries [i, i + n) of (B, heads, T, W) seen as (B * heads, T, W).
View<const float> pairs(View<const float> x, int64_t i, int64_t n) {
  const int64_t T = x.shape[2], W = x.shape[3];
  return {x.data + i * T * W, Shape{n, T, W}};
}
View<float> pairs(Tensor<float>& x, int64_t i, int64_t n) {
  const int64_t T = x.shape()[2], W = x.shape()[3];
  return {x.data() + i * T * W, Shape{n, T, W}};
}

}  // namespace

/// z = P v, P = softmax(s), s = scale q k^T, backwards; P is made again from q and k.
Backward::AttentionGradients Backward::attention_core(Stack stack, int block,
                                                      const AttentionPoints& points, bool causal,
                                                      Gradient dz) {
  const Site scores{stack, points.scores, block}, pattern{stack, points.pattern, block};
  const bool any = !dz.empty() || is_read(scores) || is_read(pattern);
  if (!any) {
    close_write(pattern), close_write(scores);
    return {};
  }
  const View<const float> q = record_.at({stack, points.q, block});
  const View<const float> k = record_.at({stack, points.k, block});
  const View<const float> v = record_.at({stack, points.v, block});
  const int64_t P = q.shape[0] * q.shape[1], T = q.shape[2], D = q.shape[3], S = k.shape[2];
  const float scale = 1.0f / std::sqrt(static_cast<float>(D));
  const int64_t step = std::clamp<int64_t>(kChunkFloats / (T * S), 1, P);
  AttentionGradients out{Gradient(q.shape), Gradient(k.shape), Gradient(v.shape)};
  auto soft_memory = Tensor<float>::uninitialized({step * T * S});
  auto grad_memory = Tensor<float>::uninitialized({step * T * S});
  for (int64_t i = 0; i < P; i += step) {
    const int64_t n = std::min(step, P - i);
    const View<float> soft{soft_memory.data(), Shape{n, T, S}};
    const View<float> grad{grad_memory.data(), Shape{n, T, S}};
    if (record_.edited(scores)) {
      const View<const float> kept = pairs(record_.at(scores), i, n);
      std::copy_n(kept.data, kept.size(), soft.data);
    } else {
      kernels::batched_gemm({pairs(q, i, n)}, kernels::transposed(pairs(k, i, n)), soft, scale, 0,
                            w_.precision);
      if (causal) fill_unseen(soft, -std::numeric_limits<float>::infinity());
    }
    kernels::softmax(soft, soft);
    const View<const float> used =
        record_.edited(pattern) ? pairs(record_.at(pattern), i, n) : View<const float>(soft);
    if (dz.empty()) {
      std::fill(grad.data, grad.data + grad.size(), 0.0f);
    } else {
      const View<const float> dz_part = pairs(dz, i, n);
      kernels::batched_gemm(kernels::transposed(used), {dz_part}, pairs(out.v, i, n));
      kernels::batched_gemm({dz_part}, kernels::transposed(pairs(v, i, n)), grad);
    }
    join_reads(pattern, i * T * S, grad);
    copy_write(pattern, i * T * S, grad);
    if (freeze_.attn_patterns || stopped(pattern))
      std::fill(grad.data, grad.data + grad.size(), 0.0f);
    else
      kernels::softmax_vjp(soft, grad, grad);
    join_reads(scores, i * T * S, grad);
    copy_write(scores, i * T * S, grad);
    if (stopped(scores)) continue;
    if (causal) fill_unseen(grad, 0.0f);
    kernels::batched_gemm({grad}, {pairs(k, i, n)}, pairs(out.q, i, n), scale);
    kernels::batched_gemm(kernels::transposed(grad), {pairs(q, i, n)}, pairs(out.k, i, n), scale);
  }
  close_write(pattern), close_write(scores);
  // Where nothing flows, say so: an empty gradient costs nothing further up.
  if (stopped(scores) || (freeze_.attn_patterns && !is_read(scores))) out.q = {}, out.k = {};
  if (dz.empty()) out.v = {};
  return out;
}

}  // namespace otoscope::model
