#include "sae/arch/rows.h"

#include "otoscope/core/isa.h"

namespace {

// The portable form: vectors of one.
using Vec = float;
constexpr int64_t kWidth = 1;
inline Vec load(const float* p) { return *p; }
inline void store(float* p, Vec v) { *p = v; }
inline Vec zero() { return 0.0f; }
inline Vec set(float x) { return x; }
inline Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
inline float sum(Vec v) { return v; }

}  // namespace

#define ISA scalar
#include "sae/arch/rows.inl"

namespace otoscope::sae::rows {

void decode(const Decode& job, int64_t begin, int64_t end) {
  switch (active_isa()) {
    case Isa::amx:
    case Isa::avx512:
      return avx512::decode(job, begin, end);
    case Isa::avx2:
      return avx2::decode(job, begin, end);
    case Isa::scalar:
      return scalar::decode(job, begin, end);
  }
}

void outer(const Outer& job, int64_t begin, int64_t end) {
  switch (active_isa()) {
    case Isa::amx:
    case Isa::avx512:
      return avx512::outer(job, begin, end);
    case Isa::avx2:
      return avx2::outer(job, begin, end);
    case Isa::scalar:
      return scalar::outer(job, begin, end);
  }
}

}  // namespace otoscope::sae::rows
