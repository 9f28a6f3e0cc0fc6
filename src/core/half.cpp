#include "otoscope/core/half.h"

#include <bit>
#include <cmath>

namespace otoscope {

float to_float(f16 value) {
  const uint32_t sign = static_cast<uint32_t>(value.bits & 0x8000) << 16;
  const uint32_t exponent = (value.bits >> 10) & 0x1f, mantissa = value.bits & 0x3ff;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24 is exact
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
  }
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

float to_float(bf16 value) { return std::bit_cast<float>(static_cast<uint32_t>(value.bits) << 16); }

f16 to_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return {static_cast<uint16_t>(sign | 0x7e00)};   // NaN
  if (magnitude >= 0x477ff000) return {static_cast<uint16_t>(sign | 0x7c00)};  // rounds past 65504
  if (magnitude < 0x38800000) {  // subnormal: let the FPU round at 2^-24
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return {static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000u))};
  }
  const uint32_t rounded = magnitude + 0xfff + ((magnitude >> 13) & 1);
  return {static_cast<uint16_t>(sign | ((rounded - 0x38000000u) >> 13))};
}

bf16 to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return {static_cast<uint16_t>((bits >> 16) | 0x40)};
  return {static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

void convert(View<const f16> from, View<float> to) {
  OTO_ASSERT(from.size() == to.size());
  const int64_t n = from.size();
  for (int64_t i = 0; i < n; ++i) to.data[i] = to_float(from.data[i]);
}

void convert(View<const bf16> from, View<float> to) {
  OTO_ASSERT(from.size() == to.size());
  const int64_t n = from.size();
  for (int64_t i = 0; i < n; ++i) to.data[i] = to_float(from.data[i]);
}

void convert(View<const float> from, View<bf16> to) {
  OTO_ASSERT(from.size() == to.size());
  const int64_t n = from.size();
  for (int64_t i = 0; i < n; ++i) to.data[i] = to_bf16(from.data[i]);
}

int64_t to_f16_checked(View<const float> from, View<f16> to) {
  OTO_ASSERT(from.size() == to.size());
  const int64_t n = from.size();
  for (int64_t i = 0; i < n; ++i) {
    if (!(std::fabs(from.data[i]) < 65520.0f)) return i;
    to.data[i] = to_f16(from.data[i]);
  }
  return -1;
}

}  // namespace otoscope
