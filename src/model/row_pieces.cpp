#include "model/row_pieces.h"

#include "model/layers.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/device.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::model {
namespace {

constexpr int64_t kRows = 128;  // the hidden units of whisper-base then take 1 MB

/// Calls work(first, piece) for every piece of the rows of x, in parallel.
template <class T, class Work>
void for_pieces(View<T> x, Work&& work) {
  parallel_ranges(x.rows(), kRows, [&](int64_t begin, int64_t end) {
    work(begin, View<T>{x.row(begin), Shape{end - begin, x.width()}});
  });
}

/// What a thread needs on its way.
struct Way {
  Room normed, scale, hidden, out;

  View<const float> norm(const NormWeights& w, View<const float> x) {
    const View<float> y = normed.of(x.shape);
    kernels::layer_norm(x, w.gain, w.bias, y, scale.of({x.rows()}));
    return y;
  }
};
Way& way() {
  thread_local Way own;
  return own;
}

}  // namespace

bool worth_pieces(int64_t rows) {
  return kernels::device() == kernels::Device::cpu && rows >= kRows * threads();
}

void forward_pieces(const kernels::Linear& w, View<const float> x, View<float> y) {
  for_pieces(x, [&](int64_t first, View<const float> piece) {
    w.forward_alone(piece, {y.row(first), Shape{piece.rows(), y.width()}});
  });
}

void norm_and_project(const NormWeights& norm, std::span<const Projection> projections,
                      View<const float> x) {
  for_pieces(x, [&](int64_t first, View<const float> piece) {
    const View<const float> normed = way().norm(norm, piece);
    for (const Projection& one : projections) {
      const View<float> flat = way().out.of(piece.shape);
      one.layer.forward_alone(normed, flat);
      split_heads(flat, one.heads, first);
    }
  });
}

void project_out_and_add(const kernels::Linear& out, View<const float> z, View<float> x) {
  for_pieces(x, [&](int64_t first, View<float> piece) {
    const View<float> flat = way().normed.of(piece.shape), sum = way().out.of(piece.shape);
    merge_heads(z, flat, first);
    out.forward_alone(flat, sum);
    kernels::add(sum, piece);
  });
}

void mlp_and_add(const NormWeights& norm, const MlpWeights& mlp, View<float> x) {
  for_pieces(x, [&](int64_t, View<float> piece) {
    const View<float> hidden = way().hidden.of({piece.rows(), mlp.up.out()}),
                      sum = way().out.of(piece.shape);
    mlp.up.forward_alone(way().norm(norm, piece), hidden);
    mlp.down.forward_gelu_alone(hidden, sum);
    kernels::add(sum, piece);
  });
}

}  // namespace otoscope::model
