#include "kernels/cpu/tiles.h"
#include "kernels/cpu/vec_avx512.h"

namespace otoscope::kernels::avx512 {
namespace {

#include "kernels/cpu/loops.inl"
#include "kernels/cpu/math.inl"
#include "kernels/cpu/softmax.inl"

constexpr int64_t kSide = 16;                  // rows of a tile, and its columns of float
constexpr int64_t kTerms = 32;                 // of a dot product, in one tile
constexpr int64_t kTileSize = kSide * kTerms;  // bfloat16
constexpr int64_t kTileStride = 64;            // bytes of a row

constexpr int64_t up_to(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

/// g++ 12 does not know that tile loads read memory and tile stores write it.
inline void settle_memory() { asm volatile("" ::: "memory"); }

/// The shapes of the eight tiles, all whole, for as long as it lives.
class Tiles {
 public:
  Tiles() {
    alignas(64) uint8_t shapes[64] = {};  // Intel's manual, volume 1, 18.3.1
    shapes[0] = 1;
    for (int t = 0; t < 8; ++t) shapes[16 + 2 * t] = kTileStride, shapes[48 + t] = kSide;
    settle_memory();
    _tile_loadconfig(shapes);
  }
  ~Tiles() {
    _tile_release();
    settle_memory();
  }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

/// What a product writes: (M, N), rows `step` floats apart.
struct Result {
  float* data;
  int64_t M, N, step;
};

/// Where a tile of C is stored: in C, or aside where it hangs over C's edge.
class Corner {
 public:
  Corner(const Result& C, int64_t m, int64_t n)
      : at_(C.data + m * C.step + n), step_(C.step), rows_(C.M - m), columns_(C.N - n) {}
  float* at() { return whole() ? at_ : aside_; }
  int64_t stride() const { return whole() ? step_ * int64_t{sizeof(float)} : kTileStride; }
  void settle() {
    if (whole()) return;
    settle_memory();
    for (int64_t i = 0; i < kSide && i < rows_; ++i)
      for (int64_t j = 0; j < kSide && j < columns_; ++j)
        at_[i * step_ + j] = aside_[i * kSide + j];  // NOLINT: a tile was stored there
  }

 private:
  bool whole() const { return rows_ >= kSide && columns_ >= kSide; }
  float* at_;
  int64_t step_, rows_, columns_;
  alignas(64) float aside_[kSide * kSide];
};

/// Lanes [i, n) of a vector that begins at i.
inline __mmask16 within(int64_t i, int64_t n) {
  return i >= n ? __mmask16{0} : n - i >= kLanes ? __mmask16{0xffff} : part(n - i).mask;
}
/// 32 values, those from n on zero, times `share`, rounded.
inline __m512i rounded(const float* x, int64_t i, int64_t n, V share) {
  const V low = _mm512_maskz_loadu_ps(within(i, n), x + i);
  const V high = _mm512_maskz_loadu_ps(within(i + kLanes, n), x + i + kLanes);
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(high * share, low * share));
}
void round_row(const float* x, int64_t n, V share, uint16_t* y) {
  for (int64_t i = 0; i < n; i += kTerms) _mm512_storeu_si512(y + i, rounded(x, i, n, share));
}
/// Rows of zeros up to a pair of tiles.
void fill_rows(int64_t M, int64_t width, uint16_t* a) {
  for (int64_t i = M * width; i < up_to(M, 2 * kSide) * width; i += kTerms)
    _mm512_storeu_si512(a + i, _mm512_setzero_si512());
}

/// K at most two tiles: 32 rows of A stay in tiles while the columns of B pass by.
template <bool two>
void few_terms(const uint16_t* a, const uint16_t* tiles, const Result& C) {
  constexpr int64_t kBlocks = two ? 2 : 1, kWidth = kBlocks * kTerms;
  constexpr int64_t kStride = kWidth * int64_t{sizeof(uint16_t)};
  for (int64_t m = 0; m < C.M; m += 2 * kSide) {
    const uint16_t *upper = a + m * kWidth, *lower = upper + kSide * kWidth;
    _tile_loadd(4, upper, kStride);
    _tile_loadd(5, lower, kStride);
    if constexpr (two) {
      _tile_loadd(6, upper + kTerms, kStride);
      _tile_loadd(7, lower + kTerms, kStride);
    }
    for (int64_t n = 0; n < C.N; n += kSide) {
      const uint16_t* b = tiles + n / kSide * kBlocks * kTileSize;
      _tile_loadd(2, b, kTileStride);
      if constexpr (two) _tile_loadd(3, b + kTileSize, kTileStride);
      _tile_zero(0);
      _tile_zero(1);
      _tile_dpbf16ps(0, 4, 2);
      _tile_dpbf16ps(1, 5, 2);
      if constexpr (two) {
        _tile_dpbf16ps(0, 6, 3);
        _tile_dpbf16ps(1, 7, 3);
      }
      Corner first(C, m, n), second(C, m + kSide, n);
      _tile_stored(0, first.at(), first.stride());
      _tile_stored(1, second.at(), second.stride());
      first.settle(), second.settle();
    }
  }
}

/// Any K: 32 by 32 of C stay in tiles while the terms pass by.
void many_terms(const uint16_t* a, int64_t K, const uint16_t* tiles, const Result& C) {
  const int64_t width = up_to(K, kTerms), column = width / kTerms * kTileSize;
  const int64_t stride = width * int64_t{sizeof(uint16_t)};
  for (int64_t m = 0; m < C.M; m += 2 * kSide)
    for (int64_t n = 0; n < C.N; n += 2 * kSide) {
      const uint16_t *upper = a + m * width, *lower = upper + kSide * width;
      const uint16_t *left = tiles + n / kSide * column, *right = left + column;
      _tile_zero(0);
      _tile_zero(1);
      _tile_zero(2);
      _tile_zero(3);
      for (int64_t k = 0; k < width; k += kTerms) {
        _tile_loadd(4, upper + k, stride);
        _tile_loadd(5, lower + k, stride);
        _tile_loadd(6, left + k * kSide, kTileStride);
        _tile_loadd(7, right + k * kSide, kTileStride);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
      }
      Corner corners[] = {
          {C, m, n}, {C, m, n + kSide}, {C, m + kSide, n}, {C, m + kSide, n + kSide}};
      _tile_stored(0, corners[0].at(), corners[0].stride());
      _tile_stored(1, corners[1].at(), corners[1].stride());
      _tile_stored(2, corners[2].at(), corners[2].stride());
      _tile_stored(3, corners[3].at(), corners[3].stride());
      for (Corner& corner : corners) corner.settle();
    }
}

void multiply_rounded(const uint16_t* a, int64_t K, const uint16_t* tiles, const Result& C) {
  const Tiles shapes;
  if (K <= kTerms)
    few_terms<false>(a, tiles, C);
  else if (K <= 2 * kTerms)
    few_terms<true>(a, tiles, C);
  else
    many_terms(a, K, tiles, C);
}

void multiply(const float* A, int64_t K, const uint16_t* tiles, const Result& C,
              uint16_t* scratch) {
  const int64_t width = up_to(K, kTerms);
  for (int64_t m = 0; m < C.M; ++m) round_row(A + m * K, K, set(1), scratch + m * width);
  fill_rows(C.M, width, scratch);
  multiply_rounded(scratch, K, tiles, C);
}

/// 32 rows by 16 columns of B, two rows woven into one of the tile.
void pack_tile(const float* B, int64_t K, int64_t N, int64_t k, int64_t n, V scale,
               uint16_t* tile) {
  alignas(64) uint16_t weave[kTerms];
  for (int i = 0; i < kTerms; ++i) weave[i] = static_cast<uint16_t>(i / 2 + i % 2 * kSide);
  const __m512i order = _mm512_load_si512(weave);
  const __mmask16 columns = within(n, N);
  for (int64_t pair = 0; pair < kSide; ++pair) {
    const int64_t row = k + 2 * pair;
    const V first = row < K ? _mm512_maskz_loadu_ps(columns, B + row * N + n) : set(0);
    const V second = row + 1 < K ? _mm512_maskz_loadu_ps(columns, B + (row + 1) * N + n) : set(0);
    const auto both = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second * scale, first * scale));
    _mm512_storeu_si512(tile + pair * kTerms, _mm512_permutexvar_epi16(order, both));
  }
}
/// The same of B as (N, K): a row of B is a column of pairs.
void pack_tile_transposed(const float* B, int64_t K, int64_t N, int64_t k, int64_t n, V scale,
                          uint16_t* tile) {
  const __m512i down =
      _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                         _mm512_set1_epi32(static_cast<int>(kSide)));
  for (int64_t column = 0; column < kSide; ++column) {
    const __m512i pairs =
        n + column < N ? rounded(B + (n + column) * K, k, K, scale) : _mm512_setzero_si512();
    _mm512_i32scatter_epi32(tile + 2 * column, down, pairs, 4);
  }
}

}  // namespace
}  // namespace otoscope::kernels::avx512

namespace otoscope::kernels::amx {

int64_t packed_size(int64_t K, int64_t N) {
  return avx512::up_to(K, avx512::kTerms) * avx512::up_to(N, 2 * avx512::kSide);
}

void pack(const float* B, int64_t K, int64_t N, bool transposed, float scale, uint16_t* tiles) {
  const auto tile = transposed ? avx512::pack_tile_transposed : avx512::pack_tile;
  for (int64_t n = 0; n < avx512::up_to(N, 2 * avx512::kSide); n += avx512::kSide)
    for (int64_t k = 0; k < K; k += avx512::kTerms, tiles += avx512::kTileSize)
      tile(B, K, N, k, n, avx512::set(scale), tiles);
}

int64_t scratch_size(int64_t M, int64_t K) {
  return avx512::up_to(M, 2 * avx512::kSide) * avx512::up_to(K, avx512::kTerms);
}

void multiply(const float* A, int64_t M, int64_t K, int64_t N, const uint16_t* tiles, float* C,
              uint16_t* scratch) {
  avx512::multiply(A, K, tiles, {C, M, N, N}, scratch);
}

int64_t scores_width(int64_t S) { return avx512::up_to(S, avx512::kSide); }

bool attend(const float* q, int64_t M, int64_t d, int64_t S, int64_t d_v, const uint16_t* keys,
            const uint16_t* values, int64_t seen, float* scores, float* z, uint16_t* scratch) {
  const int64_t step = scores_width(S), width = avx512::up_to(S, avx512::kTerms);
  avx512::multiply(q, d, keys, {scores, M, S, step}, scratch);
  for (int64_t m = 0; m < M; ++m) {
    float* row = scores + m * step;
    for (int64_t s = seen + m; s < S; ++s) row[s] = -__builtin_inff();
    const float share = avx512::softmax_numerators(row, S, row);
    if (share == 0) return false;
    avx512::round_row(row, S, avx512::set(share), scratch + m * width);
  }
  avx512::fill_rows(M, width, scratch);
  avx512::multiply_rounded(scratch, S, values, {z, M, d_v, d_v});
  return true;
}

}  // namespace otoscope::kernels::amx
