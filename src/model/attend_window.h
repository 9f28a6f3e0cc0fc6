#pragma once
/// Attention of many queries (a whole window). Each thread makes pieces of the scores by itself, of
/// a size that stays in its core's cache, from keys and values that are packed once.

#include "model/layers.h"

namespace otoscope::model {

/// From so many queries on packing pays.
inline constexpr int64_t kWindowQueries = 96;

/// q, z: (B, heads, T, d_head). Scores and pattern exist as wholes only where the probe wants them;
/// the bits are the same.
void attend_window(const Probe& probe, const AttentionPoints& points, int block,
                   View<const float> q, const KeysValues& keys, float scale, Precision precision,
                   View<float> z);

/// -inf where a query may not look.   scores: (n, rows, S), the first row being query t0 of T.
void mask_future(View<float> scores, int64_t t0, int64_t T);

}  // namespace otoscope::model
