#include <immintrin.h>

#include "sae/arch/rows.h"

namespace {

using Vec = __m512;
constexpr int64_t kWidth = 16;
inline Vec load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
inline Vec zero() { return _mm512_setzero_ps(); }
inline Vec set(float x) { return _mm512_set1_ps(x); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
inline float sum(Vec v) {
  // Not _mm512_reduce_add_ps: g++ 12 warns about its own header.
  alignas(64) float parts[16];
  _mm512_store_ps(parts, v);
  const __m256 h = _mm256_add_ps(_mm256_load_ps(parts), _mm256_load_ps(parts + 8));
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

}  // namespace

#define ISA avx512
#include "sae/arch/rows.inl"
