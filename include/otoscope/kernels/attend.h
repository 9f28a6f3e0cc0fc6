#pragma once
/// Attention of one query over many keys and values, as a decode step needs it: bound by the memory
/// that they are read from, and without a product to compile for every new number of keys. Both run
/// on the calling thread and may be called inside a parallel region.

#include <cstdint>

namespace otoscope::kernels {

/// score[s] = scale <q, K[s,:]>.   q: (d)   K: (S, d)   score: (S)
void query_keys(const float* q, const float* K, int64_t S, int64_t d, float scale, float* score);

/// z = sum_s weight[s] V[s,:], in the order of s.   weight: (S)   V: (S, d)   z: (d)
void mix_values(const float* weight, const float* V, int64_t S, int64_t d, float* z);

}  // namespace otoscope::kernels
