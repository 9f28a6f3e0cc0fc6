#pragma once
/// The layers that treat every row alike (all but attention), in pieces of rows: one thread takes a
/// piece of the stream through all of them and back, what lies between stays in its core's own
/// cache, and no thread waits for another.

#include <span>

#include "model/weights.h"
#include "otoscope/core/tensor.h"

namespace otoscope::model {

/// Whether every thread has a piece of so many rows. A device takes products whole.
bool worth_pieces(int64_t rows);

/// y = x W^T + b, with the bits that the pieces below have.
void forward_pieces(const kernels::Linear& w, View<const float> x, View<float> y);

struct Projection {
  const kernels::Linear& layer;
  View<float> heads;  // (B, heads, T, d_head)
};
/// heads[i] = split(layer[i](LayerNorm(x))).   x: (B, T, d)
void norm_and_project(const NormWeights& norm, std::span<const Projection> projections,
                      View<const float> x);

/// x += out(merge(z)).   z: (B, heads, T, d_head)   x: (B, T, d)
void project_out_and_add(const kernels::Linear& out, View<const float> z, View<float> x);

/// x += down(gelu(up(LayerNorm(x)))).   x: (B, T, d)
void mlp_and_add(const NormWeights& norm, const MlpWeights& mlp, View<float> x);

}  // namespace otoscope::model
