#include "otoscope/eval/recovery.h"

#include <algorithm>
#include <cmath>

#include "otoscope/core/rng.h"
#include "otoscope/eval/matching.h"
#include "otoscope/kernels/elementwise.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::eval {
namespace {

/// |cos| of every decoder row with every true direction: (F, N).
Tensor<double> cosines(const sae::Sae& sae, const Synthetic& truth) {
  Tensor<float> product(Shape{sae.F(), truth.N()});
  kernels::gemm({sae.W_dec}, kernels::transposed(truth.directions()), product);
  Tensor<double> result(product.shape());
  for (int64_t f = 0; f < sae.F(); ++f) {
    const double norm = std::sqrt(kernels::squared_norm(sae.W_dec.view().sub(f)));
    for (int64_t i = 0; i < truth.N(); ++i)
      result.at(f, i) = norm == 0 ? 0.0 : std::fabs(product.at(f, i)) / norm;
  }
  return result;
}

struct Counts {
  int64_t both = 0, fired = 0, active = 0;
};

}  // namespace

Recovery measure_recovery(const sae::Sae& sae, const Synthetic& truth, int64_t rows,
                          uint64_t seed) {
  const int64_t F = sae.F(), d = truth.d();
  OTO_ASSERT(sae.d() == d && sae.d_out() == d && rows > 0);
  Recovery out;
  out.rows = rows;
  const Tensor<double> cos = cosines(sae, truth);
  const std::vector<int64_t> match = best_matching(cos);
  std::vector<int64_t> learned_of(static_cast<size_t>(truth.N()), -1);
  std::vector<uint8_t> nearest(static_cast<size_t>(truth.N()), 0);
  int64_t pairs = 0;
  for (int64_t f = 0; f < F; ++f) {
    const double* row = cos.view().row(f);
    nearest[static_cast<size_t>(std::max_element(row, row + truth.N()) - row)] = 1;
    if (match[static_cast<size_t>(f)] < 0) continue;
    learned_of[static_cast<size_t>(match[static_cast<size_t>(f)])] = f;
    out.mcc += row[match[static_cast<size_t>(f)]];
    ++pairs;
  }
  out.mcc /= static_cast<double>(pairs);
  out.uniqueness = static_cast<double>(std::count(nearest.begin(), nearest.end(), uint8_t{1})) /
                   static_cast<double>(F);

  const sae::Encoder encoder(sae);
  std::vector<Counts> counts(static_cast<size_t>(F));
  std::vector<double> sums(static_cast<size_t>(d), 0.0);
  double residual = 0, squares = 0;
  int64_t fired = 0;
  constexpr int64_t kBlock = 4096;
  Tensor<float> x(Shape{std::min(kBlock, rows), d}), xhat(x.shape());
  SparseRows codes, active;
  for (int64_t first = 0; first < rows; first += kBlock) {
    const int64_t n = std::min(kBlock, rows - first);
    const View<float> in = x.view().slice(0, n), guess = xhat.view().slice(0, n);
    truth.rows(name_hash("test") + (seed << 40), first, in, &active);
    encoder.encode(in, codes);
    encoder.decode(codes, in, guess);
    fired += codes.nnz();
    for (int64_t b = 0; b < n; ++b) {
      const auto row = static_cast<size_t>(b);
      const auto begin = active.indices.begin() + active.indptr[row];
      const auto end = active.indices.begin() + active.indptr[row + 1];
      for (int64_t e = codes.indptr[row]; e < codes.indptr[row + 1]; ++e) {
        const auto f = static_cast<size_t>(codes.indices[static_cast<size_t>(e)]);
        ++counts[f].fired;
        counts[f].both += std::binary_search(begin, end, match[f]) ? 1 : 0;
      }
      for (auto i = begin; i != end; ++i)
        if (const int64_t f = learned_of[static_cast<size_t>(*i)]; f >= 0)
          ++counts[static_cast<size_t>(f)].active;
      for (int64_t j = 0; j < d; ++j) {
        const double value = in.at(b, j), error = value - guess.at(b, j);
        sums[static_cast<size_t>(j)] += value;
        squares += value * value;
        residual += error * error;
      }
    }
  }
  for (const double sum : sums) squares -= sum * sum / static_cast<double>(rows);
  out.ev = 1 - residual / squares;
  out.l0 = static_cast<double>(fired) / static_cast<double>(rows);
  for (const Counts& c : counts) {
    const double both = static_cast<double>(c.both);
    const auto share = [&](int64_t of) { return of == 0 ? 0.0 : both / static_cast<double>(of); };
    out.precision += share(c.fired) / static_cast<double>(F);
    out.recall += share(c.active) / static_cast<double>(F);
    out.f1 += c.fired + c.active == 0
                  ? 0.0
                  : 2 * both / static_cast<double>(c.fired + c.active) / static_cast<double>(F);
  }
  return out;
}

}  // namespace otoscope::eval
