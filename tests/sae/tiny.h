#pragma once
/// The hand-made SAE of formats.md §4.2: d = 2, F = 3.

#include <initializer_list>
#include <vector>

#include "otoscope/sae/sae.h"

namespace otoscope::testing {

inline Tensor<float> tensor(Shape shape, std::vector<float> values) {
  Tensor<float> x(shape);
  OTO_ASSERT(x.size() == static_cast<int64_t>(values.size()));
  for (size_t i = 0; i < values.size(); ++i) x[static_cast<int64_t>(i)] = values[i];
  return x;
}

inline sae::Sae tiny_sae() {
  sae::Sae s;
  s.W_dec = tensor({3, 2}, {1, 0, 0, 2, -1, 1});
  s.W_enc = tensor({3, 2}, {1, 0, 0, 2, -1, 1});
  s.b_enc = tensor({3}, {0, -0.5f, 0.25f});
  s.b_dec = tensor({2}, {0.5f, 0});
  s.architecture = "standard";
  s.site = "encoder.blocks.1.resid_post";
  s.model_name = "whisper-nano";
  return s;
}

/// Codes as a dense (B, F) array.
inline Tensor<float> dense(const SparseRows& codes, int64_t F) {
  Tensor<float> z({codes.rows(), F});
  for (int64_t b = 0; b < codes.rows(); ++b)
    for (int64_t e = codes.indptr[static_cast<size_t>(b)];
         e < codes.indptr[static_cast<size_t>(b) + 1]; ++e)
      z.at(b, codes.indices[static_cast<size_t>(e)]) = codes.values[static_cast<size_t>(e)];
  return z;
}

}  // namespace otoscope::testing
