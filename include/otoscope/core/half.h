#pragma once
/// 16-bit floats as bare bits: IEEE half (f16) and bfloat16. Rounding is to nearest, ties to even.

#include <cstdint>

#include "otoscope/core/tensor.h"

namespace otoscope {

struct f16 {
  uint16_t bits = 0;
};
struct bf16 {
  uint16_t bits = 0;
};

float to_float(f16 value);
float to_float(bf16 value);
/// Values beyond 65504 become infinity: writers must look for overflow first (see to_f16_checked).
f16 to_f16(float value);
bf16 to_bf16(float value);

void convert(View<const f16> from, View<float> to);
void convert(View<const bf16> from, View<float> to);
void convert(View<const float> from, View<bf16> to);
/// Returns the index of the first value that is not finite or does not fit f16, or -1. `to` is
/// written up to there.
int64_t to_f16_checked(View<const float> from, View<f16> to);

}  // namespace otoscope
