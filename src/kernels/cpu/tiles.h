#pragma once
/// Private to the room: products of bfloat16 on a CPU's tiles (Intel AMX), by the calling thread
/// alone. oneDNN's reach a fifth of its usual speed where K or N is 64, and attention makes no
/// others. Call them where active_isa() is amx.

#include <cstdint>

namespace otoscope::kernels::amx {

/// How many bfloat16 a (K, N) right-hand side takes: tiles of 32 rows by 16 columns (1 KB, rows in
/// pairs), all of one column of tiles in a row, columns of tiles in pairs, the rest zero.
int64_t packed_size(int64_t K, int64_t N);

/// Rounds scale B into tiles.   B: (K, N), or (N, K) if transposed   tiles: packed_size(K, N)
void pack(const float* B, int64_t K, int64_t N, bool transposed, float scale, uint16_t* tiles);

/// How many bfloat16 the products below need beside their arguments.
int64_t scratch_size(int64_t M, int64_t K);

/// C = A B, with A rounded to bfloat16.   A: (M, K)   C: (M, N)
void multiply(const float* A, int64_t M, int64_t K, int64_t N, const uint16_t* tiles, float* C,
              uint16_t* scratch);

/// Floats from one row of scores to the next: whole cache lines.
int64_t scores_width(int64_t S);

/// z = softmax(q keys) values; query i sees the first seen + i keys. False if a row of scores holds
/// nothing but -inf.   q: (M, d)   keys, values: tiles of (d, S) and (S, d_v)   scores: (M,
/// scores_width(S)), on a cache line   scratch: scratch_size(M, max(d, S))   z: (M, d_v)
bool attend(const float* q, int64_t M, int64_t d, int64_t S, int64_t d_v, const uint16_t* keys,
            const uint16_t* values, int64_t seen, float* scores, float* z, uint16_t* scratch);

}  // namespace otoscope::kernels::amx
