#include "features/unit_moments.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::features {
namespace {

constexpr int64_t kMomentRows = 2048;

SparseRows block_of(const SparseRows& codes, int64_t first, int64_t n) {
  const auto begin = codes.indptr[static_cast<size_t>(first)],
             end = codes.indptr[static_cast<size_t>(first + n)];
  SparseRows block;
  block.indices.assign(codes.indices.begin() + begin, codes.indices.begin() + end);
  block.values.assign(codes.values.begin() + begin, codes.values.begin() + end);
  for (int64_t b = 1; b <= n; ++b)
    block.indptr.push_back(codes.indptr[static_cast<size_t>(first + b)] - begin);
  return block;
}

/// Solves A x = b for a small symmetric positive definite A, in place (Cholesky). A singular A gets
/// a ridge of 1e-9 of its diagonal.
std::vector<double> solve(std::vector<double> A, std::vector<double> b) {
  const size_t n = b.size();
  double trace = 0;
  for (size_t i = 0; i < n; ++i) trace += A[i * n + i];
  for (size_t i = 0; i < n; ++i) A[i * n + i] += 1e-9 * trace + 1e-300;
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j <= i; ++j) {
      double sum = A[i * n + j];
      for (size_t k = 0; k < j; ++k) sum -= A[i * n + k] * A[j * n + k];
      A[i * n + j] = i == j ? std::sqrt(std::max(sum, 1e-300)) : sum / A[j * n + j];
    }
  for (size_t i = 0; i < n; ++i) {
    for (size_t k = 0; k < i; ++k) b[i] -= A[i * n + k] * b[k];
    b[i] /= A[i * n + i];
  }
  for (size_t i = n; i-- > 0;) {
    for (size_t k = i + 1; k < n; ++k) b[i] -= A[k * n + i] * b[k];
    b[i] /= A[i * n + i];
  }
  return b;
}

}  // namespace

void UnitGroup::signals(const std::vector<int64_t>& rows, View<float> out) const {
  if (mix.empty()) {
    store->gather(rows, out);
    return;
  }
  Tensor<float> x(Shape{static_cast<int64_t>(rows.size()), store->d()});
  store->gather(rows, x);
  kernels::gemm({x}, kernels::transposed(mix), out);
}

UnitMoments unit_moments(const UnitGroup& group, const ChosenRows& rows, const SparseRows& codes,
                         int64_t F, std::vector<float> shift,
                         const std::function<void(int64_t first, View<const float> signals)>& each,
                         Progress& progress) {
  OTO_ASSERT(rows.size() > 0 && codes.rows() == rows.size());
  const int64_t U = group.units();
  const auto units = static_cast<size_t>(U);
  UnitMoments m;
  m.rows = rows.size();
  m.shift = std::move(shift);
  m.mean.assign(units, 0);
  m.variance.assign(units, 0);
  m.feature_mean.assign(static_cast<size_t>(F), 0);
  m.covariance = Tensor<float>(Shape{F, U});
  Tensor<float> buffer(Shape{std::min(kMomentRows, rows.size()), U});
  progress.start("read " + group.name, rows.size(), "rows");
  for (int64_t first = 0; first < rows.size(); first += kMomentRows) {
    throw_if_interrupted();
    const int64_t n = std::min(kMomentRows, rows.size() - first);
    const View<float> s = buffer.view().slice(0, n);
    const auto begin = rows.rows.begin() + first;
    group.signals({begin, begin + n}, s);
    if (each) each(first, s);
    if (m.shift.empty()) {
      std::vector<double> mean(units, 0);
      for (int64_t b = 0; b < n; ++b)
        for (int64_t u = 0; u < U; ++u) mean[static_cast<size_t>(u)] += s.at(b, u);
      for (const double sum : mean)
        m.shift.push_back(static_cast<float>(sum / static_cast<double>(n)));
    }
    parallel_ranges(U, 64, [&](int64_t low, int64_t high) {
      for (int64_t b = 0; b < n; ++b)
        for (int64_t u = low; u < high; ++u) {
          float& value = s.at(b, u);
          value -= m.shift[static_cast<size_t>(u)];
          m.mean[static_cast<size_t>(u)] += value;
          m.variance[static_cast<size_t>(u)] += static_cast<double>(value) * value;
        }
    });
    const SparseRows block = block_of(codes, first, n);
    for (size_t e = 0; e < block.indices.size(); ++e)
      m.feature_mean[static_cast<size_t>(block.indices[e])] += block.values[e];
    kernels::sparse_outer(kernels::transpose(block, F), block.values, s, m.covariance);
    progress.advance(first + n);
  }
  progress.finish();

  const auto n = static_cast<double>(m.rows);
  for (double& sum : m.feature_mean) sum /= n;
  for (size_t u = 0; u < units; ++u) {
    m.mean[u] /= n;
    m.variance[u] = std::max(0.0, m.variance[u] / n - m.mean[u] * m.mean[u]);
  }
  for (int64_t f = 0; f < F; ++f)
    for (int64_t u = 0; u < U; ++u)
      m.covariance.at(f, u) =
          static_cast<float>(m.covariance.at(f, u) / n - m.feature_mean[static_cast<size_t>(f)] *
                                                             m.mean[static_cast<size_t>(u)]);
  return m;
}

FeaturePostings::FeaturePostings(const SparseRows& codes, int64_t F)
    : columns(kernels::transpose(codes, F)), rows(codes.rows()) {
  values.reserve(codes.values.size());
  for (const int64_t entry : columns.entry)
    values.push_back(codes.values[static_cast<size_t>(entry)]);
}

double FeaturePostings::mean(int64_t f) const {
  double sum = 0;
  for (int64_t e = columns.indptr[static_cast<size_t>(f)];
       e < columns.indptr[static_cast<size_t>(f) + 1]; ++e)
    sum += values[static_cast<size_t>(e)];
  return sum / static_cast<double>(rows);
}

double FeaturePostings::covariance(int64_t f, int64_t g) const {
  auto i = static_cast<size_t>(columns.indptr[static_cast<size_t>(f)]),
       j = static_cast<size_t>(columns.indptr[static_cast<size_t>(g)]);
  const auto i_end = static_cast<size_t>(columns.indptr[static_cast<size_t>(f) + 1]),
             j_end = static_cast<size_t>(columns.indptr[static_cast<size_t>(g) + 1]);
  double sum = 0;
  while (i < i_end && j < j_end) {
    if (columns.rows[i] < columns.rows[j]) {
      ++i;
    } else if (columns.rows[i] > columns.rows[j]) {
      ++j;
    } else {
      sum += static_cast<double>(values[i++]) * values[j++];
    }
  }
  return sum / static_cast<double>(rows) - mean(f) * mean(g);
}

FewFit fit_few(const UnitMoments& moments, const FeaturePostings& postings, int64_t unit,
               std::span<const int64_t> features) {
  const size_t n = features.size();
  std::vector<double> gram(n * n), with(n);
  for (size_t i = 0; i < n; ++i) {
    with[i] = moments.covariance.at(features[i], unit);
    for (size_t j = 0; j <= i; ++j)
      gram[i * n + j] = gram[j * n + i] = postings.covariance(features[i], features[j]);
  }
  FewFit fit;
  fit.slopes = solve(gram, with);
  fit.intercept = moments.mean[static_cast<size_t>(unit)];
  for (size_t i = 0; i < n; ++i) fit.intercept -= fit.slopes[i] * postings.mean(features[i]);
  return fit;
}

double score_few(const FewFit& fit, const UnitMoments& moments, const FeaturePostings& postings,
                 int64_t unit, std::span<const int64_t> features) {
  const auto u = static_cast<size_t>(unit);
  if (moments.variance[u] <= 0) return 0;
  double error = moments.variance[u], offset = moments.mean[u] - fit.intercept;
  for (size_t i = 0; i < features.size(); ++i) {
    error -= 2 * fit.slopes[i] * moments.covariance.at(features[i], unit);
    offset -= fit.slopes[i] * postings.mean(features[i]);
    for (size_t j = 0; j < features.size(); ++j)
      error += fit.slopes[i] * fit.slopes[j] * postings.covariance(features[i], features[j]);
  }
  return 1 - (error + offset * offset) / moments.variance[u];
}

}  // namespace otoscope::features
