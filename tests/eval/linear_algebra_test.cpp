#include "otoscope/eval/linear_algebra.h"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>

#include "otoscope/core/rng.h"

namespace otoscope::eval {
namespace {

Tensor<double> random_symmetric(int64_t n, int64_t rank, uint64_t seed) {
  Rng rng(seed, "matrix");
  Tensor<double> B(Shape{rank, n}), A(Shape{n, n});
  for (int64_t i = 0; i < B.size(); ++i) B[i] = rng.normal();
  for (int64_t r = 0; r < rank; ++r)
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j) A.at(i, j) += (r % 2 == 0 ? 1 : -1) * B.at(r, i) * B.at(r, j);
  return A;
}

}  // namespace

TEST_CASE("eigenvectors diagonalise the matrix and are orthonormal") {
  for (const int64_t n : {1, 2, 3, 17, 64, 150})
    for (const int64_t rank : {int64_t{1}, n, 2 * n}) {
      CAPTURE(n);
      CAPTURE(rank);
      const Tensor<double> A = random_symmetric(n, rank, static_cast<uint64_t>(n + rank));
      const SymmetricEigen eigen = symmetric_eigen(A);
      double scale = 1e-300, worst = 0, worst_dot = 0;
      for (int64_t i = 0; i < A.size(); ++i) scale = std::max(scale, std::fabs(A[i]));
      for (int64_t v = 0; v < n; ++v) {
        if (v > 0)
          CHECK(eigen.values[static_cast<size_t>(v)] <= eigen.values[static_cast<size_t>(v - 1)]);
        for (int64_t i = 0; i < n; ++i) {
          double product = 0, dot = 0;
          for (int64_t j = 0; j < n; ++j) {
            product += A.at(i, j) * eigen.vectors.at(v, j);
            dot += eigen.vectors.at(v, j) * eigen.vectors.at(i, j);
          }
          const double wanted = eigen.values[static_cast<size_t>(v)] * eigen.vectors.at(v, i);
          worst = std::max(worst, std::fabs(product - wanted));
          worst_dot = std::max(worst_dot, std::fabs(dot - (i == v ? 1 : 0)));
        }
      }
      const double tolerance = 40 * static_cast<double>(n) * 0x1p-52;
      CHECK(worst <= tolerance * scale);
      CHECK(worst_dot <= tolerance);
    }
}

TEST_CASE("eigenvalues of known matrices") {
  // The second-difference matrix: 2 - 2 cos(pi k / (n + 1)).
  const int64_t n = 40;
  Tensor<double> A(Shape{n, n});
  for (int64_t i = 0; i < n; ++i) {
    A.at(i, i) = 2;
    if (i > 0) A.at(i, i - 1) = A.at(i - 1, i) = -1;
  }
  const SymmetricEigen eigen = symmetric_eigen(A);
  for (int64_t k = 1; k <= n; ++k)
    CHECK(
        eigen.values[static_cast<size_t>(n - k)] ==
        doctest::Approx(2 - 2 * std::cos(M_PI * static_cast<double>(k) / (n + 1))).epsilon(1e-12));

  const Tensor<double> zero(Shape{5, 5});
  for (const double value : symmetric_eigen(zero).values) CHECK(value == 0.0);
}

}  // namespace otoscope::eval
