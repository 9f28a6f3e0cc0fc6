#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/threads.h"
#include "otoscope/features/units.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::features {
namespace {

constexpr int64_t kMostRows = 65536;
constexpr double kRidge = 1e-3;  // of the mean variance of a coordinate

/// Solves A W^T = B^T in place of B; A: (d, d) symmetric positive definite, becomes its Cholesky
/// factor; B: (U, d).
void solve_in_place(Tensor<double>& A, Tensor<double>& B) {
  const int64_t d = A.shape()[0];
  for (int64_t i = 0; i < d; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      double sum = A.at(i, j);
      for (int64_t k = 0; k < j; ++k) sum -= A.at(i, k) * A.at(j, k);
      if (i == j) {
        OTO_ASSERT(sum > 0);  // the ridge sees to it
        A.at(i, i) = std::sqrt(sum);
      } else {
        A.at(i, j) = sum / A.at(j, j);
      }
    }
  }
  parallel_ranges(B.shape()[0], 8, [&](int64_t begin, int64_t end) {
    for (int64_t u = begin; u < end; ++u) {
      for (int64_t i = 0; i < d; ++i) {
        double sum = B.at(u, i);
        for (int64_t k = 0; k < i; ++k) sum -= A.at(i, k) * B.at(u, k);
        B.at(u, i) = sum / A.at(i, i);
      }
      for (int64_t i = d - 1; i >= 0; --i) {
        double sum = B.at(u, i);
        for (int64_t k = i + 1; k < d; ++k) sum -= A.at(k, i) * B.at(u, k);
        B.at(u, i) = sum / A.at(i, i);
      }
    }
  });
}

/// Learning rows at equal distances, centred: (n, d), and which they are.
struct Sample {
  std::vector<int64_t> rows;
  Tensor<float> x;
};

Sample centred_sample(const RowSource& source, const LabelledRows& rows) {
  std::vector<int64_t> all;
  for (int64_t row = 0; row < rows.rows(); ++row)
    if (rows.side(row) == Side::choose) all.push_back(row);
  const auto n = static_cast<int64_t>(all.size()), kept = std::min(n, kMostRows);
  Sample sample{{}, Tensor<float>(Shape{kept, source.d})};
  std::vector<double> mean(static_cast<size_t>(source.d), 0);
  for (int64_t i = 0; i < kept; ++i) {
    sample.rows.push_back(all[static_cast<size_t>(i * n / kept)]);
    source.read(sample.rows.back(), sample.x.view().slice(i, i + 1));
    for (int64_t j = 0; j < source.d; ++j) mean[static_cast<size_t>(j)] += sample.x.at(i, j);
  }
  for (int64_t i = 0; i < kept; ++i)
    for (int64_t j = 0; j < source.d; ++j)
      sample.x.at(i, j) -=
          static_cast<float>(mean[static_cast<size_t>(j)] / static_cast<double>(kept));
  return sample;
}

}  // namespace

Probe fit_probe(const RowSource& source, const LabelledRows& rows, int64_t least_rows,
                Progress& progress) {
  progress.start("fit linear probes", 1, "fits");
  const Sample sample = centred_sample(source, rows);
  const int64_t d = source.d;
  std::vector<std::vector<int32_t>> holding(static_cast<size_t>(rows.values()));
  for (size_t i = 0; i < sample.rows.size(); ++i)
    for (const int32_t id : rows.ids(sample.rows[i]))
      if (id < rows.values()) holding[static_cast<size_t>(id)].push_back(static_cast<int32_t>(i));

  Probe probe;
  for (int32_t value = 0; value < rows.values(); ++value) {
    if (static_cast<int64_t>(holding[static_cast<size_t>(value)].size()) < least_rows) continue;
    probe.values.push_back(value);
    probe.rates.push_back(static_cast<double>(rows.positives(Side::choose, value)) /
                          static_cast<double>(rows.rows_on(Side::choose)));
  }
  throw_if_interrupted();
  Tensor<float> moments(Shape{d, d});
  kernels::gemm(kernels::transposed(sample.x.view()), {sample.x.view()}, moments.view());
  Tensor<double> A(Shape{d, d});
  double trace = 0;
  for (int64_t i = 0; i < d; ++i) trace += moments.at(i, i);
  for (int64_t i = 0; i < d; ++i) {
    for (int64_t j = 0; j < d; ++j) A.at(i, j) = moments.at(i, j);
    A.at(i, i) += kRidge * trace / static_cast<double>(d) + 1e-12;
  }
  const auto U = static_cast<int64_t>(probe.values.size());
  Tensor<double> B(Shape{U, d});  // x is centred, so the label's mean adds nothing
  parallel_ranges(U, 4, [&](int64_t begin, int64_t end) {
    for (int64_t u = begin; u < end; ++u)
      for (const int32_t i : holding[static_cast<size_t>(probe.values[static_cast<size_t>(u)])])
        for (int64_t j = 0; j < d; ++j) B.at(u, j) += sample.x.at(i, j);
  });
  solve_in_place(A, B);
  probe.W = Tensor<float>(Shape{U, d});
  for (int64_t u = 0; u < U; ++u) {
    double norm = 0;
    for (int64_t j = 0; j < d; ++j) norm += B.at(u, j) * B.at(u, j);
    for (int64_t j = 0; j < d; ++j)
      probe.W.at(u, j) = static_cast<float>(B.at(u, j) / std::sqrt(std::max(norm, 1e-300)));
  }
  progress.finish();
  return probe;
}

}  // namespace otoscope::features
