#pragma once
/// The frozen map's constants and the layers that forward and transpose share.

#include <map>
#include <vector>

#include "model/frozen/record.h"
#include "model/weights.h"
#include "otoscope/model/frozen.h"

namespace otoscope::model {

struct FrozenModel::Impl {
  const Weights& w;
  int64_t frames, n_tokens;
  FrozenRecord record;
  std::map<Site, View<const float>, SiteOrder> skips;  // by ln2 of the block

  Impl(const Weights& weights, int64_t frame_count, int64_t token_count, Hooks hooks)
      : w(weights),
        frames(frame_count),
        n_tokens(token_count),
        record(weights.dims, frame_count, token_count, hooks) {}

  View<const float> kept(Stack stack, Point point, int block) const {
    return record.values.at({stack, point, block}).view();
  }
  int64_t positions(Stack stack) const { return stack == Stack::encoder ? frames : n_tokens; }
};

/// y = (x - mean) scale gain + bias with a recorded scale.   x, y: (T, d)   scale: (T)
void frozen_norm(const NormWeights& w, View<const float> scale, View<const float> x, View<float> y);

/// dx[t, n] += the transpose of that.   dy, dx: (T, N, d)
void frozen_norm_vjp(const NormWeights& w, View<const float> scale, View<const float> dy,
                     View<float> dx);
/// The same for one row.
void frozen_norm_row_vjp(const NormWeights& w, float scale, const float* dy, int64_t d, float* dx);

/// Head h of rows of H heads: (T, N, H * D) -> (T, N * D), and back (written, or added).
void gather_head(View<const float> x, int64_t h, int64_t heads, View<float> head);
void scatter_head(View<const float> head, int64_t h, int64_t heads, View<float> x);

}  // namespace otoscope::model
