#pragma once
/// Symmetric positive definite systems, in double.

#include "otoscope/core/tensor.h"

namespace otoscope::contexts {

/// A (n, n) becomes its lower triangle L with A = L L^T (the upper triangle is left). False where A
/// is not positive definite.
bool factor(View<double> A);
/// Columns of B (n, m) become those of A^-1 B, L from factor().
void solve(View<const double> L, View<double> B);

}  // namespace otoscope::contexts
