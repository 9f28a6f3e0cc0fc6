#pragma once
/// Eigenvectors of small symmetric matrices, in double: PCA of a site's width needs no more.

#include <vector>

#include "otoscope/core/tensor.h"

namespace otoscope::eval {

struct SymmetricEigen {
  std::vector<double> values;  // (n), descending
  Tensor<double> vectors;      // (n, n): row i is the unit eigenvector of values[i]
};

/// A: (n, n), symmetric (only its lower triangle is read). Householder tridiagonal form, then
/// implicit QR steps with Wilkinson's shift (Golub & Van Loan, Matrix Computations, §8.3). The sign
/// of a vector makes its largest entry positive. About 1 s at n = 512.
SymmetricEigen symmetric_eigen(View<const double> A);

}  // namespace otoscope::eval
