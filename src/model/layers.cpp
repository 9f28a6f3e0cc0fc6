#include "model/layers.h"

#include <bit>
#include <cstring>

#include "model/row_pieces.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::model {
namespace {

/// Calls copy(flat, heads) for every row of d_head floats; both are the addresses of one row.
template <class Flat, class Heads, class Copy>
void for_head_rows(View<Flat> flat, View<Heads> heads, int64_t first, Copy&& copy) {
  const int64_t H = heads.shape[1], T = heads.shape[2], D = heads.shape[3];
  parallel_ranges(flat.size() / (H * D), 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = first + i;
      for (int64_t h = 0; h < H; ++h)
        copy(flat.data + (i * H + h) * D, heads.data + (((row / T) * H + h) * T + row % T) * D);
    }
  });
}

void forward(const kernels::Linear& w, View<const float> x, View<float> y, const Workspace& work) {
  if (work.pieces)
    forward_pieces(w, x, y);
  else
    w.forward(x, y);
}

}  // namespace

void split_heads(View<const float> flat, View<float> heads, int64_t first) {
  const size_t bytes = static_cast<size_t>(heads.shape[3]) * sizeof(float);
  for_head_rows(flat, heads, first,
                [bytes](const float* from, float* to) { std::memcpy(to, from, bytes); });
}

void merge_heads(View<const float> heads, View<float> flat, int64_t first) {
  const size_t bytes = static_cast<size_t>(heads.shape[3]) * sizeof(float);
  for_head_rows(flat, heads, first,
                [bytes](float* to, const float* from) { std::memcpy(to, from, bytes); });
}

void norm(const Probe& probe, const NormWeights& w, Point scale_point, Point point, int block,
          View<const float> x, View<float> y, View<float> scale) {
  kernels::layer_norm(x, w.gain, w.bias, y, scale);
  if (probe.wanted(scale_point, block)) {
    const Tensor<float> before = Tensor<float>::copy_of(scale);
    probe.at(scale_point, block, scale);
    const int64_t d = x.width();
    for (int64_t r = 0; r < scale.size(); ++r) {
      if (std::bit_cast<uint32_t>(before[r]) == std::bit_cast<uint32_t>(scale[r])) continue;
      double mean = 0;
      for (int64_t j = 0; j < d; ++j) mean += static_cast<double>(x.row(r)[j]);
      mean /= static_cast<double>(d);
      for (int64_t j = 0; j < d; ++j)
        y.row(r)[j] = (x.row(r)[j] - static_cast<float>(mean)) * scale[r] * w.gain[j] + w.bias[j];
    }
  }
  probe.at(point, block, y);
}

void mlp(const Probe& probe, const MlpWeights& w, int block, View<const float> x, View<float> out,
         Workspace& work) {
  const View<float> hidden = work.wide.of({x.shape[0], x.shape[1], w.up.out()});
  forward(w.up, x, hidden, work);
  probe.at(Point::mlp_pre, block, hidden);
  kernels::gelu(hidden, hidden);
  probe.at(Point::mlp_post, block, hidden);
  forward(w.down, hidden, out, work);
  probe.at(Point::mlp_out, block, out);
}

void add_to_stream(const Probe& probe, Point point, int block, View<const float> out,
                   View<float> x) {
  kernels::add(out, x);
  probe.at(point, block, x);
}

void project(const Probe& probe, const kernels::Linear& w, Point point, int block,
             View<const float> x, View<float> split, Workspace& work) {
  const View<float> flat = work.wide.of(x.shape);
  forward(w, x, flat, work);
  split_heads(flat, split);
  probe.at(point, block, split);
}

void project_out(const Probe& probe, const kernels::Linear& w, Point point, int block,
                 View<const float> z, View<float> out, Workspace& work) {
  const View<float> flat = work.wide.of(out.shape);
  merge_heads(z, flat);
  forward(w, flat, out, work);
  probe.at(point, block, out);
}

}  // namespace otoscope::model
