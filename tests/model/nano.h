#pragma once
/// whisper-nano, its input and its golden values, as the tests of this room use them.

#include <cstring>

#include "otoscope/io/safetensors.h"
#include "otoscope/model/cache.h"
#include "otoscope/model/whisper.h"
#include "support/close.h"

namespace otoscope::testing {

inline const model::Whisper& nano() {
  static const model::Whisper model = model::Whisper::load(golden("whisper_nano"));
  return model;
}

struct NanoInput {
  Tensor<float> mel;       // (2, 200, 80): channels last
  Tensor<int64_t> tokens;  // (2, 8)
};

inline NanoInput nano_input() {
  const auto file = io::Safetensors::open(golden("whisper_nano_input.safetensors"));
  const Tensor<float> channels_first = file.floats("mel");
  const Shape s = channels_first.shape();
  NanoInput input{Tensor<float>({s[0], s[2], s[1]}), file.integers("tokens")};
  for (int64_t b = 0; b < s[0]; ++b)
    for (int64_t m = 0; m < s[1]; ++m)
      for (int64_t t = 0; t < s[2]; ++t)
        input.mel[(b * s[2] + t) * s[1] + m] = channels_first[(b * s[1] + m) * s[2] + t];
  return input;
}

/// Which axis of a site counts encoder positions (the goldens hold some of them only), or -1.
inline int cut_axis(const model::Site& site, int rank) {
  using model::Point;
  const bool encoder = site.stack == model::Stack::encoder;
  if (!encoder && site.point != Point::cross_k && site.point != Point::cross_v) return -1;
  return rank == 4 ? 2 : 1;
}

/// The entries `rows` of one axis.
inline Tensor<float> cut(View<const float> x, int axis, View<const int64_t> rows) {
  if (axis < 0) return Tensor<float>::copy_of(x);
  Shape shape;
  int64_t outer = 1, inner = 1;
  for (int i = 0; i < x.shape.rank(); ++i) {
    shape.push_back(i == axis ? rows.size() : x.shape[i]);
    if (i < axis) outer *= x.shape[i];
    if (i > axis) inner *= x.shape[i];
  }
  Tensor<float> kept(shape);
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t r = 0; r < rows.size(); ++r)
      for (int64_t i = 0; i < inner; ++i)
        kept[(o * rows.size() + r) * inner + i] = x[(o * x.shape[axis] + rows[r]) * inner + i];
  return kept;
}

}  // namespace otoscope::testing
