#include "otoscope/eval/linear.h"

#include <algorithm>

#include "otoscope/core/errors.h"
#include "otoscope/core/threads.h"
#include "otoscope/eval/linear_algebra.h"

namespace otoscope::eval {
namespace {

constexpr int64_t kBlock = 4096;
constexpr double kRidge = 1e-6;

void centre(View<const float> x, const std::vector<double>& mean, View<float> out) {
  for (int64_t b = 0; b < x.rows(); ++b)
    for (int64_t j = 0; j < x.width(); ++j)
      out.at(b, j) =
          static_cast<float>(static_cast<double>(x.at(b, j)) - mean[static_cast<size_t>(j)]);
}

/// sums += block / rows
void add_to(const Tensor<float>& block, int64_t rows, Tensor<double>& sums) {
  for (int64_t i = 0; i < sums.size(); ++i)
    sums[i] += static_cast<double>(block[i]) / static_cast<double>(rows);
}

/// C = A B, or A B^T; A: (n, m)
Tensor<double> product(const Tensor<double>& A, const Tensor<double>& B, bool transposed) {
  const int64_t n = A.shape()[0], m = A.shape()[1], p = B.shape()[transposed ? 0 : 1];
  Tensor<double> C(Shape{n, p});
  parallel_ranges(n, 8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      for (int64_t k = 0; k < m; ++k)
        for (int64_t j = 0; j < p; ++j)
          C.at(i, j) += A.at(i, k) * (transposed ? B.at(j, k) : B.at(k, j));
  });
  return C;
}

}  // namespace

LinearMap fit_linear(const Sample& x, const Sample& y) {
  OTO_ASSERT(x.rows() == y.rows());
  if (x.rows() == 0)
    throw UserError("eval", "expected training rows for a linear map, got none",
                    "the store has no train split");
  const int64_t d = x.d(), d_out = y.d(), rows = x.rows();
  const std::vector<double> mean_x = moments_of(x).mean, mean_y = moments_of(y).mean;
  Tensor<double> xx(Shape{d, d}), yx(Shape{d_out, d});
  Tensor<float> xc(Shape{kBlock, d}), yc(Shape{kBlock, d_out}), ys(Shape{kBlock, d_out});
  Tensor<float> block_xx(Shape{d, d}), block_yx(Shape{d_out, d});
  for_each_block(x, kBlock, [&](int64_t first, View<const float> xs) {
    const int64_t n = xs.rows();
    const View<float> u = xc.view().slice(0, n), v = yc.view().slice(0, n);
    y.read(first, ys.view().slice(0, n));
    centre(xs, mean_x, u);
    centre(ys.view().slice(0, n), mean_y, v);
    kernels::gemm(kernels::transposed(u), {u}, block_xx);
    kernels::gemm(kernels::transposed(v), {u}, block_yx);
    add_to(block_xx, rows, xx);
    add_to(block_yx, rows, yx);
  });

  // W = yx V (L + r)^-1 V^T
  const SymmetricEigen eigen = symmetric_eigen(xx);
  double trace = 0;
  for (const double value : eigen.values) trace += value;
  const double ridge = kRidge * std::max(trace / static_cast<double>(d), 1e-30);
  Tensor<double> along = product(yx, eigen.vectors, true);
  for (int64_t i = 0; i < d_out; ++i)
    for (int64_t k = 0; k < d; ++k)
      along.at(i, k) /= std::max(eigen.values[static_cast<size_t>(k)], 0.0) + ridge;
  const Tensor<double> W = product(along, eigen.vectors, false);

  LinearMap map{Tensor<float>(Shape{d_out, d}), Tensor<float>(Shape{d_out})};
  for (int64_t i = 0; i < d_out; ++i) {
    double bias = mean_y[static_cast<size_t>(i)];
    for (int64_t j = 0; j < d; ++j) {
      map.W.at(i, j) = static_cast<float>(W.at(i, j));
      bias -= W.at(i, j) * mean_x[static_cast<size_t>(j)];
    }
    map.bias[i] = static_cast<float>(bias);
  }
  return map;
}

void LinearReconstructor::reconstruct(View<const float> x, View<float> xhat,
                                      SparseRows& codes) const {
  OTO_ASSERT(x.width() == linear_.in() && xhat.width() == linear_.out());
  empty_rows(x.rows(), codes);
  linear_.forward(x, xhat);
}

}  // namespace otoscope::eval
