#pragma once
/// Sixteen floats under names that vec_avx2.h shares, for the .inl files. Only per-ISA sources
/// include this. Everything sits in an unnamed namespace: nothing compiled with these flags may be
/// picked by the linker for older CPUs.

// g++ 12 takes the "undefined" placeholders in its own header for mistakes (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop

#include <cstdint>

namespace otoscope::kernels::avx512 {
namespace {

using V = __m512;
constexpr int64_t kLanes = 16;

struct Full {};
struct Part {
  __mmask16 mask;
};
inline Part part(int64_t n) { return {static_cast<__mmask16>((1u << n) - 1)}; }

inline V load(const float* p, Full) { return _mm512_loadu_ps(p); }
inline V load(const float* p, Part lanes) { return _mm512_maskz_loadu_ps(lanes.mask, p); }
inline void store(float* p, V x, Full) { _mm512_storeu_ps(p, x); }
inline void store(float* p, V x, Part lanes) { _mm512_mask_storeu_ps(p, lanes.mask, x); }
/// Zero in the lanes that are not there.
inline V keep(V x, Full) { return x; }
inline V keep(V x, Part lanes) { return _mm512_maskz_mov_ps(lanes.mask, x); }
/// `other` in the lanes that are not there.
inline V keep(V x, V, Full) { return x; }
inline V keep(V x, V other, Part lanes) { return _mm512_mask_mov_ps(other, lanes.mask, x); }

inline V set(float x) { return _mm512_set1_ps(x); }
/// a * b + c, rounded once
inline V fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
/// The second operand where either is NaN.
inline V max(V a, V b) { return _mm512_max_ps(a, b); }
inline V min(V a, V b) { return _mm512_min_ps(a, b); }
inline V abs(V x) { return _mm512_abs_ps(x); }
inline V sqrt(V x) { return _mm512_sqrt_ps(x); }
inline V where_negative(V x, V yes, V no) {
  return _mm512_mask_mov_ps(no, _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ), yes);
}
/// x 2^n for whole n
inline V scale2(V x, V n) { return _mm512_scalef_ps(x, n); }

inline float sum(V x) { return _mm512_reduce_add_ps(x); }
inline float largest(V x) { return _mm512_reduce_max_ps(x); }
/// Sum of the squares in double.
inline double sum_squares(V x) {
  const __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(x));
  const __m512d high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));
  return _mm512_reduce_add_pd(_mm512_fmadd_pd(low, low, _mm512_mul_pd(high, high)));
}

/// One bit per lane where a > b; NaN is never above.
inline uint32_t above(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
/// Writes the lanes in `which` one after another, with their places first + lane; returns how many.
/// Up to kLanes entries of `place` and `value` may be overwritten.
inline int64_t compress(V x, int32_t first, uint32_t which, int32_t* place, float* value) {
  const auto mask = static_cast<__mmask16>(which);
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i places = _mm512_add_epi32(lane, _mm512_set1_epi32(first));
  // Compressing into a register and storing all of it is faster than a masked store on AMD.
  _mm512_storeu_si512(place, _mm512_maskz_compress_epi32(mask, places));
  _mm512_storeu_ps(value, _mm512_maskz_compress_ps(mask, x));
  return __builtin_popcount(which);
}

/// The upper 16 bits of each lane, rounded to nearest even; NaN stays NaN.
inline __m512i bf16_bits(V x) {
  const __m512i bits = _mm512_castps_si512(x);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
  const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
  return _mm512_srli_epi32(
      _mm512_mask_mov_epi32(rounded, _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), quiet), 16);
}
inline void store_bf16(uint16_t* p, V x) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_cvtepi32_epi16(bf16_bits(x)));
}
inline V round_bf16(V x) { return _mm512_castsi512_ps(_mm512_slli_epi32(bf16_bits(x), 16)); }

}  // namespace
}  // namespace otoscope::kernels::avx512
