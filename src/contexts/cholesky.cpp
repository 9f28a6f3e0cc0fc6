#include "contexts/cholesky.h"

#include <cmath>

#include "otoscope/core/threads.h"

namespace otoscope::contexts {

bool factor(View<double> A) {
  const int64_t n = A.shape[0];
  for (int64_t j = 0; j < n; ++j) {
    double pivot = A.at(j, j);
    for (int64_t k = 0; k < j; ++k) pivot -= A.at(j, k) * A.at(j, k);
    if (!(pivot > 0)) return false;
    const double root = std::sqrt(pivot);
    A.at(j, j) = root;
    parallel_ranges(n - j - 1, 64, [&](int64_t begin, int64_t end) {
      const double* above = A.row(j);
      for (int64_t i = j + 1 + begin; i < j + 1 + end; ++i) {
        double* row = A.row(i);
        double sum = row[j];
        for (int64_t k = 0; k < j; ++k) sum -= row[k] * above[k];
        row[j] = sum / root;
      }
    });
  }
  return true;
}

void solve(View<const double> L, View<double> B) {
  const int64_t n = L.shape[0], m = B.shape[1];
  parallel_ranges(m, 32, [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < n; ++i) {
      double* row = B.row(i);
      for (int64_t k = 0; k < i; ++k) {
        const double factor = L.at(i, k);
        const double* other = B.row(k);
        for (int64_t c = begin; c < end; ++c) row[c] -= factor * other[c];
      }
      for (int64_t c = begin; c < end; ++c) row[c] /= L.at(i, i);
    }
    for (int64_t i = n; i-- > 0;) {
      double* row = B.row(i);
      for (int64_t k = i + 1; k < n; ++k) {
        const double factor = L.at(k, i);
        const double* other = B.row(k);
        for (int64_t c = begin; c < end; ++c) row[c] -= factor * other[c];
      }
      for (int64_t c = begin; c < end; ++c) row[c] /= L.at(i, i);
    }
  });
}

}  // namespace otoscope::contexts
