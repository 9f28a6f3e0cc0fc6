#pragma once
/// Products in double beside those of the kernels.

#include <cmath>

#include "otoscope/core/half.h"
#include "otoscope/core/rng.h"
#include "otoscope/kernels/gemm.h"
#include "support/close.h"

namespace otoscope::kernels {

inline Tensor<float> random(Shape shape, const char* name) {
  Rng rng(7, name);
  Tensor<float> x(shape);
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(rng.normal());
  return x;
}

inline double value(View<const float> x, bool transposed, int64_t i, int64_t j, Precision p) {
  const float entry = transposed ? x.at(j, i) : x.at(i, j);
  return p == Precision::bf16 ? to_float(to_bf16(entry)) : entry;
}

/// Largest |C - (alpha A B + beta C0)| as a share of what rounding explains. A pass is <= 1.
inline double excess(Operand A, Operand B, View<const float> C, View<const float> C0, float alpha,
                     float beta, Precision p) {
  const int64_t M = C.shape[0], N = C.shape[1], K = A.matrix.shape[A.transposed ? 0 : 1];
  double worst = 0;
  for (int64_t i = 0; i < M; ++i)
    for (int64_t j = 0; j < N; ++j) {
      double sum = 0, magnitude = 0;
      for (int64_t k = 0; k < K; ++k) {
        const double term =
            alpha * value(A.matrix, A.transposed, i, k, p) * value(B.matrix, B.transposed, k, j, p);
        sum += term, magnitude += std::fabs(term);
      }
      if (beta != 0.0f) sum += C0.at(i, j), magnitude += std::fabs(C0.at(i, j));
      // Inputs are rounded before the comparison, so bf16 has no term of its own.
      const double tolerance = testing::dot_tolerance(K + 3, magnitude) + 1e-30;
      const double ratio = std::fabs(sum - static_cast<double>(C.at(i, j))) / tolerance;
      if (!(ratio <= worst)) worst = std::isnan(ratio) ? INFINITY : ratio;
    }
  return worst;
}

inline const int64_t kSizes[][3] = {{1, 1, 1},   {1, 64, 33}, {3, 7, 5},     {17, 31, 64},
                                    {65, 1, 66}, {2, 512, 9}, {100, 48, 80}, {37, 70, 45}};

}  // namespace otoscope::kernels
