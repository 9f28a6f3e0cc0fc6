#include "sae/arch/dense.h"

#include <algorithm>
#include <numeric>

#include "otoscope/core/threads.h"
#include "otoscope/kernels/elementwise.h"
#include "otoscope/kernels/gemm.h"
#include "sae/arch/batch.h"

namespace otoscope::sae {
namespace {

/// An entry costs the sparse form about three times what it costs a dense product.
constexpr int64_t kSparseShare = 8;

int64_t slice_rows(int64_t F) {
  return std::clamp<int64_t>((int64_t{1} << 22) / F / 64 * 64, 64, 4096);
}

}  // namespace

bool DenseLoss::find_open(const Slice& s) {
  const int64_t n = s.pre.rows(), F = s.pre.width();
  entries_.clear();
  entries_.indptr.resize(static_cast<size_t>(n) + 1);
  parallel_ranges(n, 16, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      int32_t count = 0;
      for (int64_t f = 0; f < F; ++f) count += s.pre.at(b, f) > bounds_[static_cast<size_t>(f)];
      entries_.indptr[static_cast<size_t>(b) + 1] = count;
    }
  });
  std::partial_sum(entries_.indptr.begin(), entries_.indptr.end(), entries_.indptr.begin());
  const int64_t entries = entries_.indptr.back();
  if (entries > n * F / kSparseShare) return false;
  entries_.indices.resize(static_cast<size_t>(entries));
  entries_.values.resize(static_cast<size_t>(entries));
  parallel_ranges(n, 16, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      auto e = static_cast<size_t>(entries_.indptr[static_cast<size_t>(b)]);
      for (int64_t f = 0; f < F; ++f)
        if (s.pre.at(b, f) > bounds_[static_cast<size_t>(f)]) {
          entries_.indices[e] = static_cast<int32_t>(f);
          entries_.values[e++] = s.codes.at(b, f);
        }
    }
  });
  return true;
}

void DenseLoss::sparse_da(const Sae& sae, View<const float> g, View<float> da) {
  kernels::sparse_decode_vjp_values(entries_, sae.W_dec, g, values_);
  for_entries(entries_, [&](size_t e, int64_t b, int64_t f) { da.at(b, f) = values_[e]; });
}

void DenseLoss::sparse_weights(const Slice& s, View<const float> g, View<const float> xc,
                               bool first, Gradients& gradients) {
  if (first) fill(gradients.W_dec, 0.0f), fill(gradients.W_enc, 0.0f);
  const kernels::SparseColumns columns = kernels::transpose(entries_, s.pre.width());
  kernels::sparse_outer(columns, entries_.values, g, gradients.W_dec);
  for_entries(entries_, [&](size_t e, int64_t b, int64_t f) { values_[e] = s.delta.at(b, f); });
  kernels::sparse_outer(columns, values_, xc, gradients.W_enc);
}

LossTerms DenseLoss::run(const Sae& sae, View<const float> x, View<const float> y,
                         const StepState& state, Gradients& gradients) {
  OTO_ASSERT(x.rows() == y.rows() && x.width() == sae.d() && y.width() == sae.d_out());
  const int64_t B = x.rows(), F = sae.F(), d = sae.d(), d_out = sae.d_out();
  rows_ = static_cast<double>(B), scale_ = options_.sparsity * state.sparsity_scale;
  dead_ = state.dead;
  centre(sae, x, xc_);
  for (Tensor<float>* sum : {&gradients.b_enc, &gradients.b_dec}) fill(*sum, 0.0f);
  fired_.assign(static_cast<size_t>(F), 0);
  begin(sae, gradients);
  bounds_.resize(static_cast<size_t>(F));
  for (int64_t f = 0; f < F; ++f) bounds_[static_cast<size_t>(f)] = bound(sae, f);

  const kernels::Linear linear(sae.W_enc.view(), sae.b_enc.view());
  LossTerms terms;
  std::vector<double> counts(static_cast<size_t>(F));
  const View<float> column = shaped(sums_, {F});
  for (int64_t from = 0, step = slice_rows(F); from < B; from += step) {
    const int64_t n = std::min(step, B - from);
    const View<const float> xc{xc_.data() + from * d, {n, d}};
    const View<float> pre = shaped(pre_, {n, F}), codes = shaped(codes_, {n, F});
    const View<float> da = shaped(da_, {n, F}), delta = shaped(delta_, {n, F});
    const View<float> g = shaped(g_, {n, d_out});
    const View<const float> own = x.slice(from, from + n);
    Slice slice{xc, pre, without_skip(sae, own, y.slice(from, from + n), rest_), codes, da, delta};
    linear.forward(xc, pre);
    activate(sae, slice);
    if (find_open(slice)) slice.open = &entries_;

    if (slice.open != nullptr)
      kernels::sparse_decode(entries_, sae.W_dec, {}, g);
    else
      kernels::gemm({codes}, {sae.W_dec.view()}, g);
    std::vector<double> squared(static_cast<size_t>(n));
    const auto two_over_B = static_cast<float>(2.0 / rows_);
    parallel_ranges(n, 32, [&](int64_t first, int64_t last) {
      for (int64_t b = first; b < last; ++b) {
        double sum = 0;
        for (int64_t i = 0; i < d_out; ++i) {
          const float r = g.at(b, i) + sae.b_dec[i] - slice.y.at(b, i);
          sum += static_cast<double>(r) * r;
          g.at(b, i) = two_over_B * r;
        }
        squared[static_cast<size_t>(b)] = sum;
      }
    });
    terms.squared_error += std::accumulate(squared.begin(), squared.end(), 0.0) / rows_;
    if (slice.open != nullptr)
      sparse_da(sae, g, da);
    else
      kernels::gemm({g}, kernels::transposed(sae.W_dec.view()), da);
    backward(sae, slice, gradients);

    const float beta = from == 0 ? 0.0f : 1.0f;
    if (slice.open != nullptr) {
      sparse_weights(slice, g, xc, from == 0, gradients);
    } else {
      kernels::gemm(kernels::transposed(codes), {g}, gradients.W_dec, beta);
      kernels::gemm(kernels::transposed(delta), {xc}, gradients.W_enc, beta);
    }
    column_sums(g, gradients.b_dec, true);
    skip_vjp(g, own, from > 0, gradients);
    column_sums(delta, column, false);
    // sum of delta: b_enc's gradient, and the way back through the centring
    for (int64_t f = 0; f < F; ++f) gradients.b_enc[f] += column[f];
    parallel_ranges(F, 64, [&](int64_t first, int64_t last) {
      for (int64_t b = 0; b < n; ++b)
        for (int64_t f = first; f < last; ++f) counts[static_cast<size_t>(f)] += codes.at(b, f) > 0;
    });
  }
  centring_vjp(sae, gradients);
  for (int64_t f = 0; f < F; ++f) {
    fired_[static_cast<size_t>(f)] = counts[static_cast<size_t>(f)] > 0;
    terms.l0 += counts[static_cast<size_t>(f)] / rows_;
  }
  gradients.touched.resize(static_cast<size_t>(F));
  std::iota(gradients.touched.begin(), gradients.touched.end(), 0);
  terms.reconstruction = terms.squared_error;
  end(sae, gradients, terms);
  terms.total = terms.reconstruction + terms.sparsity + terms.auxiliary;
  if (state.measure) terms.squared_target = spread(y);
  return terms;
}

}  // namespace otoscope::sae
