#include "otoscope/eval/pca.h"

#include <algorithm>

#include "otoscope/core/threads.h"
#include "otoscope/eval/linear_algebra.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::eval {
namespace {

constexpr int64_t kPcaBlock = 4096;

void centre(View<const float> x, std::span<const float> mean, View<float> out) {
  parallel_ranges(x.rows(), 256, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b)
      for (int64_t j = 0; j < x.width(); ++j)
        out.at(b, j) = x.at(b, j) - mean[static_cast<size_t>(j)];
  });
}

std::vector<float> as_floats(const std::vector<double>& x) { return {x.begin(), x.end()}; }

}  // namespace

Pca fit_pca(const Sample& sample) {
  const int64_t d = sample.d();
  if (sample.rows() == 0)
    throw UserError("eval", "expected training rows for PCA, got none",
                    "the store has no train split");
  Pca pca;
  pca.mean = as_floats(moments_of(sample).mean);
  Tensor<double> covariance(Shape{d, d});
  Tensor<float> centred(Shape{std::min(kPcaBlock, sample.rows()), d}), block(Shape{d, d});
  for_each_block(sample, kPcaBlock, [&](int64_t, View<const float> x) {
    const View<float> c = centred.view().slice(0, x.rows());
    centre(x, pca.mean, c);
    kernels::gemm(kernels::transposed(c), {c}, block);
    for (int64_t i = 0; i < d * d; ++i)
      covariance[i] += static_cast<double>(block[i]) / static_cast<double>(sample.rows());
  });
  SymmetricEigen eigen = symmetric_eigen(covariance);
  pca.variance = std::move(eigen.values);
  pca.components = Tensor<float>(Shape{d, d});
  for (int64_t i = 0; i < d * d; ++i) pca.components[i] = static_cast<float>(eigen.vectors[i]);
  return pca;
}

PcaReconstructor::PcaReconstructor(const Pca& pca, int64_t k)
    : k_(std::clamp<int64_t>(k, 0, static_cast<int64_t>(pca.mean.size()))),
      mean_(pca.mean),
      components_(Tensor<float>::copy_of(pca.components.view().slice(0, k_))) {}

void PcaReconstructor::reconstruct(View<const float> x, View<float> xhat, SparseRows& codes) const {
  OTO_ASSERT(x.shape == xhat.shape && x.width() == d_out());
  empty_rows(x.rows(), codes);
  if (k_ == 0) {
    for (int64_t b = 0; b < xhat.rows(); ++b) std::copy(mean_.begin(), mean_.end(), xhat.row(b));
    return;
  }
  Tensor<float> centred(Shape{x.rows(), x.width()}), scores(Shape{x.rows(), k_});
  centre(x, mean_, centred);
  kernels::gemm({centred}, kernels::transposed(components_), scores);
  kernels::gemm({scores}, {components_}, xhat);
  for (int64_t b = 0; b < xhat.rows(); ++b)
    for (int64_t j = 0; j < xhat.width(); ++j) xhat.at(b, j) += mean_[static_cast<size_t>(j)];
}

int64_t components_for_fvu(const Pca& pca, const Sample& sample, const Moments& moments,
                           double fvu) {
  const int64_t d = sample.d();
  std::vector<double> explained(static_cast<size_t>(d), 0.0);
  double residual = 0;
  Tensor<float> centred(Shape{std::min(kPcaBlock, sample.rows()), d});
  Tensor<float> scores(Shape{std::min(kPcaBlock, sample.rows()), d});
  for_each_block(sample, kPcaBlock, [&](int64_t, View<const float> x) {
    const View<float> c = centred.view().slice(0, x.rows()), s = scores.view().slice(0, x.rows());
    centre(x, pca.mean, c);
    kernels::gemm({c}, kernels::transposed(pca.components), s);
    for (int64_t b = 0; b < x.rows(); ++b)
      for (int64_t j = 0; j < d; ++j) {
        residual += static_cast<double>(c.at(b, j)) * c.at(b, j);
        explained[static_cast<size_t>(j)] += static_cast<double>(s.at(b, j)) * s.at(b, j);
      }
  });
  const double scatter = moments.variance * static_cast<double>(moments.rows);
  for (int64_t k = 0; k <= d; ++k) {
    if (residual <= fvu * scatter) return k;
    if (k < d) residual -= explained[static_cast<size_t>(k)];
  }
  return d + 1;
}

}  // namespace otoscope::eval
