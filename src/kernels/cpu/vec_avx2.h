#pragma once
/// Eight floats under names that vec_avx512.h shares; see there.

#include <immintrin.h>

#include <cstdint>

namespace otoscope::kernels::avx2 {
namespace {

using V = __m256;
constexpr int64_t kLanes = 8;

struct Full {};
struct Part {
  __m256i mask;
};
inline Part part(int64_t n) {
  const __m256i place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return {_mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), place)};
}

inline V load(const float* p, Full) { return _mm256_loadu_ps(p); }
inline V load(const float* p, Part lanes) { return _mm256_maskload_ps(p, lanes.mask); }
inline void store(float* p, V x, Full) { _mm256_storeu_ps(p, x); }
inline void store(float* p, V x, Part lanes) { _mm256_maskstore_ps(p, lanes.mask, x); }
inline V keep(V x, Full) { return x; }
inline V keep(V x, Part lanes) { return _mm256_and_ps(x, _mm256_castsi256_ps(lanes.mask)); }
inline V keep(V x, V, Full) { return x; }
inline V keep(V x, V other, Part lanes) {
  return _mm256_blendv_ps(other, x, _mm256_castsi256_ps(lanes.mask));
}

inline V set(float x) { return _mm256_set1_ps(x); }
inline V fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
inline V max(V a, V b) { return _mm256_max_ps(a, b); }
inline V min(V a, V b) { return _mm256_min_ps(a, b); }
inline V abs(V x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
inline V sqrt(V x) { return _mm256_sqrt_ps(x); }
inline V where_negative(V x, V yes, V no) {
  return _mm256_blendv_ps(no, yes, _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LT_OQ));
}
/// In two steps, so that results below the normal range are reached.
inline V scale2(V x, V n) {
  const __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1);
  const __m256i bias = _mm256_set1_epi32(127);
  const auto power = [&](__m256i k) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(k, bias), 23));
  };
  return x * power(half) * power(_mm256_sub_epi32(whole, half));
}

inline float sum(V x) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
inline float largest(V x) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
inline double sum_squares(V x) {
  const __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(x));
  const __m256d high = _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
  const __m256d four = _mm256_fmadd_pd(low, low, _mm256_mul_pd(high, high));
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

inline uint32_t above(V a, V b) {
  return static_cast<uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ)));
}
inline int64_t compress(V x, int32_t first, uint32_t which, int32_t* place, float* value) {
  float lanes[kLanes];
  _mm256_storeu_ps(lanes, x);
  int64_t n = 0;
  for (; which != 0; which &= which - 1, ++n) {
    const int lane = __builtin_ctz(which);
    place[n] = first + lane;
    value[n] = lanes[lane];
  }
  return n;
}

inline __m256i bf16_bits(V x) {
  const __m256i bits = _mm256_castps_si256(x);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
  return _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, nan), 16);
}
inline void store_bf16(uint16_t* p, V x) {
  const __m256i bits = bf16_bits(x);
  const __m128i packed =
      _mm_packus_epi32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), packed);
}
inline V round_bf16(V x) { return _mm256_castsi256_ps(_mm256_slli_epi32(bf16_bits(x), 16)); }

}  // namespace
}  // namespace otoscope::kernels::avx2
