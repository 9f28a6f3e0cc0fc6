#include "otoscope/eval/linear_algebra.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "otoscope/core/threads.h"

namespace otoscope::eval {
namespace {

/// T = W A W^T with T tridiagonal: `diagonal`, `beside` (below the diagonal), W orthogonal.
struct Tridiagonal {
  std::vector<double> diagonal, beside;
  Tensor<double> W;
};

/// The reflection I - scale v v^T that maps column k of A below the diagonal onto its first entry.
/// v overwrites v[k+1..]; returns scale, 0 where nothing is to do.
double reflection(View<const double> A, int64_t k, std::vector<double>& v, double& mapped) {
  const int64_t n = A.rows();
  double norm = 0;
  for (int64_t i = k + 1; i < n; ++i) {
    v[static_cast<size_t>(i)] = A.at(i, k);
    norm = std::hypot(norm, A.at(i, k));
  }
  double& head = v[static_cast<size_t>(k + 1)];
  mapped = head;
  if (norm == std::fabs(head)) return 0.0;
  mapped = head > 0 ? -norm : norm;
  head -= mapped;
  double squares = 0;
  for (int64_t i = k + 1; i < n; ++i)
    squares += v[static_cast<size_t>(i)] * v[static_cast<size_t>(i)];
  return 2 / squares;
}

Tridiagonal tridiagonal_form(Tensor<double> A) {
  const int64_t n = A.shape()[0];
  Tridiagonal t;
  t.diagonal.resize(static_cast<size_t>(n));
  t.beside.assign(static_cast<size_t>(n), 0.0);
  std::vector<std::vector<double>> reflections;
  std::vector<double> scales, p(static_cast<size_t>(n));
  for (int64_t k = 0; k + 1 < n; ++k) {
    std::vector<double> v(static_cast<size_t>(n), 0.0);
    double mapped = 0;
    const double scale = reflection(A, k, v, mapped);
    t.beside[static_cast<size_t>(k)] = mapped;
    if (scale != 0) {
      // A - v w^T - w v^T with p = scale A v, w = p - scale/2 <p, v> v
      parallel_ranges(n - k - 1, 128, [&](int64_t begin, int64_t end) {
        for (int64_t i = k + 1 + begin; i < k + 1 + end; ++i) {
          double sum = 0;
          for (int64_t j = k + 1; j < n; ++j) sum += A.at(i, j) * v[static_cast<size_t>(j)];
          p[static_cast<size_t>(i)] = scale * sum;
        }
      });
      double along = 0;
      for (int64_t i = k + 1; i < n; ++i)
        along += p[static_cast<size_t>(i)] * v[static_cast<size_t>(i)];
      for (int64_t i = k + 1; i < n; ++i)
        p[static_cast<size_t>(i)] -= scale / 2 * along * v[static_cast<size_t>(i)];
      parallel_ranges(n - k - 1, 128, [&](int64_t begin, int64_t end) {
        for (int64_t i = k + 1 + begin; i < k + 1 + end; ++i) {
          const double vi = v[static_cast<size_t>(i)], wi = p[static_cast<size_t>(i)];
          for (int64_t j = k + 1; j < n; ++j)
            A.at(i, j) -= vi * p[static_cast<size_t>(j)] + wi * v[static_cast<size_t>(j)];
        }
      });
    }
    reflections.push_back(std::move(v));
    scales.push_back(scale);
  }
  for (int64_t i = 0; i < n; ++i) t.diagonal[static_cast<size_t>(i)] = A.at(i, i);

  // W = H_last ... H_0; column ranges are independent.
  t.W = Tensor<double>(Shape{n, n});
  for (int64_t i = 0; i < n; ++i) t.W.at(i, i) = 1;
  parallel_ranges(n, 64, [&](int64_t begin, int64_t end) {
    std::vector<double> sums(static_cast<size_t>(end - begin));
    for (size_t k = 0; k < reflections.size(); ++k) {
      if (scales[k] == 0) continue;
      const auto& v = reflections[k];
      std::fill(sums.begin(), sums.end(), 0.0);
      for (int64_t i = static_cast<int64_t>(k) + 1; i < n; ++i)
        for (int64_t j = begin; j < end; ++j)
          sums[static_cast<size_t>(j - begin)] += v[static_cast<size_t>(i)] * t.W.at(i, j);
      for (int64_t i = static_cast<int64_t>(k) + 1; i < n; ++i)
        for (int64_t j = begin; j < end; ++j)
          t.W.at(i, j) -=
              scales[k] * v[static_cast<size_t>(i)] * sums[static_cast<size_t>(j - begin)];
    }
  });
  return t;
}

struct Rotation {
  int64_t row;
  double c, s;
};

/// One implicit QR step on the unreduced block [low, high]; its rotations are appended.
void qr_step(Tridiagonal& t, int64_t low, int64_t high, std::vector<Rotation>& rotations) {
  auto& d = t.diagonal;
  auto& e = t.beside;
  const auto at = [](int64_t i) { return static_cast<size_t>(i); };
  const double half = (d[at(high - 1)] - d[at(high)]) / 2, last = e[at(high - 1)];
  const double root = std::hypot(half, last);
  const double shift = d[at(high)] - last * (last / (half + (half < 0 ? -root : root)));
  double x = d[at(low)] - shift, z = e[at(low)];
  for (int64_t k = low; k < high; ++k) {
    const double r = std::hypot(x, z), c = r == 0 ? 1 : x / r, s = r == 0 ? 0 : z / r;
    if (k > low) e[at(k - 1)] = r;
    const double a = d[at(k)], b = e[at(k)], g = d[at(k + 1)];
    d[at(k)] = c * c * a + 2 * c * s * b + s * s * g;
    d[at(k + 1)] = s * s * a - 2 * c * s * b + c * c * g;
    e[at(k)] = c * s * (g - a) + (c * c - s * s) * b;
    if (k + 1 < high) {
      x = e[at(k)];
      z = s * e[at(k + 1)];
      e[at(k + 1)] *= c;
    }
    rotations.push_back({k, c, s});
  }
}

/// Applies and clears what was collected: many small steps, few parallel regions.
void rotate_rows(Tensor<double>& W, std::vector<Rotation>& rotations) {
  parallel_ranges(W.shape()[1], 128, [&](int64_t begin, int64_t end) {
    for (const Rotation& turn : rotations) {
      double *upper = W.data() + turn.row * W.shape()[1], *lower = upper + W.shape()[1];
      for (int64_t j = begin; j < end; ++j) {
        const double a = upper[j], b = lower[j];
        upper[j] = turn.c * a + turn.s * b;
        lower[j] = turn.c * b - turn.s * a;
      }
    }
  });
  rotations.clear();
}

void diagonalise(Tridiagonal& t) {
  const auto n = static_cast<int64_t>(t.diagonal.size());
  const auto negligible = [&](int64_t i) {
    const auto k = static_cast<size_t>(i);
    return std::fabs(t.beside[k]) <= std::numeric_limits<double>::epsilon() *
                                         (std::fabs(t.diagonal[k]) + std::fabs(t.diagonal[k + 1]));
  };
  std::vector<Rotation> rotations;
  int64_t high = n - 1;
  for (int64_t steps = 0; high > 0;) {
    if (negligible(high - 1)) {
      --high;
      continue;
    }
    int64_t low = high - 1;
    while (low > 0 && !negligible(low - 1)) --low;
    OTO_ASSERT(++steps <= 60 * n);  // two or three per value is usual
    qr_step(t, low, high, rotations);
    if (rotations.size() > 4096) rotate_rows(t.W, rotations);
  }
  rotate_rows(t.W, rotations);
}

}  // namespace

SymmetricEigen symmetric_eigen(View<const double> A) {
  const int64_t n = A.shape[0];
  OTO_ASSERT(A.shape == Shape({n, n}));
  Tensor<double> work(Shape{n, n});
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j <= i; ++j) work.at(i, j) = work.at(j, i) = A.at(i, j);
  Tridiagonal t = tridiagonal_form(std::move(work));
  diagonalise(t);

  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return t.diagonal[static_cast<size_t>(a)] > t.diagonal[static_cast<size_t>(b)];
  });
  SymmetricEigen out;
  out.vectors = Tensor<double>(Shape{n, n});
  for (int64_t i = 0; i < n; ++i) {
    const int64_t from = order[static_cast<size_t>(i)];
    out.values.push_back(t.diagonal[static_cast<size_t>(from)]);
    const double* vector = t.W.view().row(from);
    const double largest = *std::max_element(
        vector, vector + n, [](double a, double b) { return std::fabs(a) < std::fabs(b); });
    for (int64_t j = 0; j < n; ++j) out.vectors.at(i, j) = largest < 0 ? -vector[j] : vector[j];
  }
  return out;
}

}  // namespace otoscope::eval
