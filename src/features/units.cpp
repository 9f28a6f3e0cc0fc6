#include "otoscope/features/units.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/errors.h"
#include "otoscope/core/interrupt.h"
#include "otoscope/core/rng.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::features {
namespace {

constexpr int64_t kUnitRows = 4096, kSampled = 32768, kUnitsAtOnce = 1024;

/// Rows of train and dev at equal distances, at most `limit`.
std::vector<int64_t> sampled_rows(const LabelledRows& rows, int64_t limit) {
  std::vector<int64_t> all;
  for (int64_t row = 0; row < rows.rows(); ++row)
    if (rows.side(row) == Side::choose) all.push_back(row);
  const auto n = static_cast<int64_t>(all.size());
  if (n <= limit) return all;
  std::vector<int64_t> some;
  for (int64_t i = 0; i < limit; ++i) some.push_back(all[static_cast<size_t>(i * n / limit)]);
  return some;
}

/// Of each unit the value that the given share of the sample exceeds.
std::vector<float> thresholds_of(View<const float> sample, View<const float> W,
                                 std::span<const double> rates) {
  const int64_t n = sample.rows(), U = W.rows();
  std::vector<float> thresholds(static_cast<size_t>(U));
  for (int64_t first = 0; first < U; first += kUnitsAtOnce) {
    const int64_t count = std::min(kUnitsAtOnce, U - first);
    Tensor<float> scores(Shape{count, n});
    kernels::gemm({W.slice(first, first + count)}, kernels::transposed(sample), scores.view());
    parallel_ranges(count, 8, [&](int64_t begin, int64_t end) {
      for (int64_t u = begin; u < end; ++u) {
        float* const row = scores.view().row(u);
        const double rate = rates[static_cast<size_t>(first + u)];
        const auto above = std::clamp<int64_t>(std::llround(rate * static_cast<double>(n)), 1, n);
        std::nth_element(row, row + (n - above), row + n);
        // At least the threshold fires: the one just below it does not.
        thresholds[static_cast<size_t>(first + u)] = std::nextafter(row[n - above], -INFINITY);
      }
    });
  }
  return thresholds;
}

}  // namespace

RowSource rows_of_store(const store::Store& store) {
  return {store.rows(), store.d(),
          [&store](int64_t first, View<float> out) { store.read(first, out); }};
}

RowSource rows_of_matrix(View<const float> x) {
  return {x.rows(), x.width(), [x](int64_t first, View<float> out) {
            std::copy_n(x.row(first), out.rows() * out.width(), out.data);
          }};
}

std::vector<double> matched_rates(const Postings& postings, const LabelledRows& rows, int64_t count,
                                  uint64_t seed) {
  std::vector<double> alive;
  for (int64_t unit = 0; unit < postings.units(); ++unit) {
    int64_t fired = 0;
    for (const int32_t row : postings.rows(unit)) fired += rows.side(row) == Side::choose;
    if (fired > 0)
      alive.push_back(static_cast<double>(fired) / static_cast<double>(rows.rows_on(Side::choose)));
  }
  OTO_ASSERT(!alive.empty());
  std::sort(alive.begin(), alive.end());
  std::vector<double> rates;
  Rng rng(seed, "matched firing rates");
  for (const int64_t place : rng.permutation(count))
    rates.push_back(alive[static_cast<size_t>((2 * place + 1) * static_cast<int64_t>(alive.size()) /
                                              (2 * count))]);
  return rates;
}

Postings direction_units(const RowSource& x, const LabelledRows& rows, View<const float> W,
                         std::span<const double> rates, std::string_view what, Progress& progress) {
  OTO_ASSERT(W.width() == x.d && W.rows() == static_cast<int64_t>(rates.size()) &&
             x.rows == rows.rows());
  const std::vector<int64_t> sampled = sampled_rows(rows, kSampled);
  Tensor<float> sample(Shape{static_cast<int64_t>(sampled.size()), x.d});
  for (size_t i = 0; i < sampled.size(); ++i)
    x.read(sampled[i], sample.view().slice(static_cast<int64_t>(i), static_cast<int64_t>(i) + 1));
  const std::vector<float> thresholds = thresholds_of(sample.view(), W, rates);

  const int64_t U = W.rows();
  SparseRows codes, part;
  Tensor<float> block(Shape{kUnitRows, x.d}), scores(Shape{kUnitRows, U});
  Tensor<float> zero(Shape{1});
  progress.start(what, x.rows, "rows");
  for (int64_t first = 0; first < x.rows; first += kUnitRows) {
    throw_if_interrupted();
    const int64_t n = std::min(kUnitRows, x.rows - first);
    x.read(first, block.view().slice(0, n));
    const View<float> here = scores.view().slice(0, n);
    kernels::gemm({block.view().slice(0, n)}, kernels::transposed(W), here);
    parallel_ranges(n, 64, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b)
        for (int64_t u = 0; u < U; ++u) here.at(b, u) -= thresholds[static_cast<size_t>(u)];
    });
    part.clear();
    kernels::above_threshold(here, zero.view(), part);
    const int64_t before = codes.nnz();
    for (size_t b = 1; b < part.indptr.size(); ++b) codes.indptr.push_back(before + part.indptr[b]);
    codes.indices.insert(codes.indices.end(), part.indices.begin(), part.indices.end());
    codes.values.insert(codes.values.end(), part.values.begin(), part.values.end());
    progress.advance(first + n);
  }
  progress.finish();
  return {codes, U};
}

Tensor<float> signed_axes(int64_t d) {
  Tensor<float> W(Shape{2 * d, d});
  for (int64_t i = 0; i < d; ++i) W.at(2 * i, i) = 1, W.at(2 * i + 1, i) = -1;
  return W;
}

}  // namespace otoscope::features
