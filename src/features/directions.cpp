#include "otoscope/features/directions.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/statistics.h"
#include "otoscope/core/threads.h"
#include "otoscope/eval/matching.h"
#include "otoscope/kernels/gemm.h"
#include "otoscope/kernels/rows.h"

namespace otoscope::features {
namespace {

constexpr int64_t kDirectionRows = 512;

void fill_normal(Tensor<float>& x, uint64_t seed, std::string_view what) {
  Rng rng(seed, what);
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(rng.normal());
}

}  // namespace

Tensor<float> unit_directions(View<const float> W, std::span<const int64_t> features) {
  Tensor<float> unit(Shape{static_cast<int64_t>(features.size()), W.width()});
  for (size_t i = 0; i < features.size(); ++i)
    std::copy_n(W.row(features[i]), W.width(), unit.view().row(static_cast<int64_t>(i)));
  kernels::normalize_rows(unit);
  return unit;
}

Nearest nearest_directions(View<const float> A, View<const float> B) {
  const int64_t a_rows = A.rows(), b_rows = B.rows();
  OTO_ASSERT(a_rows > 0 && b_rows > 0 && A.width() == B.width());
  Nearest nearest;
  nearest.of_a.assign(static_cast<size_t>(a_rows), 0);
  nearest.of_b.assign(static_cast<size_t>(b_rows), 0);
  nearest.cosine_a.assign(static_cast<size_t>(a_rows), -2.0f);
  nearest.cosine_b.assign(static_cast<size_t>(b_rows), -2.0f);
  Tensor<float> product(Shape{std::min(kDirectionRows, a_rows), b_rows});
  for (int64_t first = 0; first < a_rows; first += kDirectionRows) {
    throw_if_interrupted();
    const int64_t n = std::min(kDirectionRows, a_rows - first);
    const View<float> cosines = product.view().slice(0, n);
    kernels::gemm({A.slice(first, first + n)}, kernels::transposed(B), cosines);
    parallel_ranges(n, 32, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const float* row = cosines.row(i);
        const float* best = std::max_element(row, row + b_rows);
        nearest.of_a[static_cast<size_t>(first + i)] = static_cast<int32_t>(best - row);
        nearest.cosine_a[static_cast<size_t>(first + i)] = *best;
      }
    });
    parallel_ranges(b_rows, 512, [&](int64_t begin, int64_t end) {
      for (int64_t i = 0; i < n; ++i)
        for (int64_t j = begin; j < end; ++j)
          if (cosines.at(i, j) > nearest.cosine_b[static_cast<size_t>(j)]) {
            nearest.cosine_b[static_cast<size_t>(j)] = cosines.at(i, j);
            nearest.of_b[static_cast<size_t>(j)] = static_cast<int32_t>(first + i);
          }
    });
  }
  return nearest;
}

Assigned assign_directions(View<const float> A, View<const float> B) {
  OTO_ASSERT(A.rows() > 0 && B.rows() > 0 && A.width() == B.width());
  Tensor<float> cosines(Shape{A.rows(), B.rows()});
  kernels::gemm({A}, kernels::transposed(B), cosines);
  Tensor<double> gain(cosines.shape());
  for (int64_t i = 0; i < gain.size(); ++i) gain[i] = std::fabs(cosines[i]);
  Assigned assigned;
  assigned.partner = eval::best_matching(gain);
  for (int64_t i = 0; i < A.rows(); ++i) {
    const int64_t j = assigned.partner[static_cast<size_t>(i)];
    assigned.cosine.push_back(j < 0 ? 0.0f : cosines.at(i, j));
  }
  return assigned;
}

double random_cosine_above(int64_t d, double t) {
  OTO_ASSERT(d >= 2);
  if (t >= 1) return 0;
  if (t <= -1) return 1;
  const double both = incomplete_beta(static_cast<double>(d - 1) / 2, 0.5, 1 - t * t);
  return t >= 0 ? both / 2 : 1 - both / 2;
}

double random_best_above(int64_t d, int64_t F, double t) {
  // 1 - (1 - p)^F without losing a small p.
  return -std::expm1(static_cast<double>(F) * std::log1p(-random_cosine_above(d, t)));
}

double random_best_cosine(int64_t d, int64_t F) {
  // E max = integral of P(max > t) over [-1, 1], minus 1.
  constexpr int kSteps = 4000;
  double sum = 0;
  for (int i = 0; i < kSteps; ++i) sum += random_best_above(d, F, -1 + 2 * (i + 0.5) / kSteps);
  return sum * 2 / kSteps - 1;
}

Tensor<float> random_directions(int64_t F, int64_t d, uint64_t seed) {
  Tensor<float> directions(Shape{F, d});
  fill_normal(directions, seed, "random directions");
  kernels::normalize_rows(directions);
  return directions;
}

Tensor<float> random_directions_like(View<const float> like, int64_t F, uint64_t seed) {
  // Sums of the rows with normal weights have the rows' second moments.
  Tensor<float> weights(Shape{F, like.rows()}), directions(Shape{F, like.width()});
  fill_normal(weights, seed, "random directions like");
  kernels::gemm({weights}, {like}, directions);
  kernels::normalize_rows(directions);
  return directions;
}

}  // namespace otoscope::features
