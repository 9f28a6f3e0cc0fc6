#pragma once
/// Rows of whisper-nano's sites, made up.

#include <cstring>

#include "model/paths.h"
#include "steer/dense.h"

namespace otoscope::testing {

inline constexpr int64_t kD = 128;  // of whisper-nano

inline model::Site encoder_site() {
  return model::find_site(nano().dims(), "encoder.blocks.0.resid_post");
}
inline model::Site decoder_site() {
  return model::find_site(nano().dims(), "decoder.blocks.0.resid_post");
}

/// Rows as a site would hold them: (2, T, d), entry 1 with two rows of padding.
struct Block {
  Tensor<float> x{Shape{2, 6, kD}};
  std::vector<int64_t> item{7, 3};
  std::vector<int32_t> valid{6, 4};
  model::Rows rows;
  explicit Block(uint64_t seed = 0) {
    fill(x, seed, "rows", 1);
    rows.B = 2, rows.T = 6, rows.item = item, rows.valid = valid;
  }
};

inline bool same(const float* a, const float* b, int64_t n) {
  return std::memcmp(a, b, static_cast<size_t>(n) * sizeof(float)) == 0;
}

}  // namespace otoscope::testing
