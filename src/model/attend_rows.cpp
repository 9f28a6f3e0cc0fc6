#include "model/attend_rows.h"

#include <algorithm>
#include <limits>

#include "otoscope/core/threads.h"
#include "otoscope/kernels/attend.h"

namespace otoscope::model {
namespace {

/// Calls work(b, h) for all pairs, heads outermost: rows that share an audio find its keys cached.
template <class Work>
void for_pairs(int64_t B, int64_t H, Work&& work) {
  parallel_ranges(B * H, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) work(i % B, i / B);
  });
}

const float* keys_of(View<const float> cache, const KeysValues& keys, int64_t b, int64_t h) {
  const int64_t row = keys.audio_row.empty() ? b : keys.audio_row[static_cast<size_t>(b)];
  return cache.data + (row * cache.shape[1] + h) * cache.shape[2] * cache.shape[3];
}

}  // namespace

void few_scores(View<const float> q, const KeysValues& keys, float scale, View<float> scores) {
  const int64_t B = q.shape[0], H = q.shape[1], T = q.shape[2], D = q.shape[3], S = keys.length;
  for_pairs(B, H, [&](int64_t b, int64_t h) {
    const float* k = keys_of(keys.k, keys, b, h);
    for (int64_t t = 0; t < T; ++t) {
      const int64_t row = (b * H + h) * T + t, seen = keys.causal ? S - T + t + 1 : S;
      float* out = scores.row(row);
      kernels::query_keys(q.row(row), k, seen, D, scale, out);
      std::fill(out + seen, out + S, -std::numeric_limits<float>::infinity());
    }
  });
}

void few_mixes(View<const float> pattern, const KeysValues& keys, View<float> z) {
  const int64_t B = z.shape[0], H = z.shape[1], T = z.shape[2], D = z.shape[3], S = keys.length;
  for_pairs(B, H, [&](int64_t b, int64_t h) {
    const float* v = keys_of(keys.v, keys, b, h);
    for (int64_t t = 0; t < T; ++t) {
      const int64_t row = (b * H + h) * T + t;
      kernels::mix_values(pattern.row(row), v, S, D, z.row(row));
    }
  });
}

}  // namespace otoscope::model
