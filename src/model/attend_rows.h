#pragma once
/// Attention of a few queries (a decode step) over cached keys and values: bound by
/// the memory that keys and values are read from.

#include "model/layers.h"

namespace otoscope::model {

/// scores[b,h,t,s] = scale <q[b,h,t,:], k[row(b),h,s,:]>, -inf where masked.
/// q: (B, heads, T, d_head)   scores: (B, heads, T, S)
void few_scores(View<const float> q, const KeysValues& keys, float scale, View<float> scores);

/// z[b,h,t,:] = sum_s pattern[b,h,t,s] v[row(b),h,s,:]
void few_mixes(View<const float> pattern, const KeysValues& keys, View<float> z);

}  // namespace otoscope::model
