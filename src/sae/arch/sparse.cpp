#include "sae/arch/sparse.h"

#include <algorithm>

#include "otoscope/core/threads.h"
#include "otoscope/kernels/screened.h"
#include "sae/arch/batch.h"
#include "sae/arch/rows.h"

namespace otoscope::sae {

SparseLoss::SparseLoss(const LossOptions& options, Selection selection, std::vector<int64_t> widths,
                       std::vector<double> weights)
    : options_(options),
      selection_(selection),
      widths_(std::move(widths)),
      weights_(std::move(weights)),
      auxk_(options) {}

void SparseLoss::select(const Sae& sae, View<const float> x) {
  const int64_t S = options_.sources, d = sae.d(), n = sae.F() / S;
  if (S == 1)
    centre(sae, x, xc_);
  else
    blocks_of(x, S, xc_);
  parts_.resize(static_cast<size_t>(S));
  for (int64_t s = 0; s < S; ++s) {
    // bf16 screens, fp32 decides: the codes are those of fp32, on any number of threads.
    const kernels::ScreenedTopK encoder(sae.W_enc.view().slice(s * n, (s + 1) * n),
                                        sae.b_enc.view().slice(s * n, (s + 1) * n));
    const View<const float> xc{xc_.data() + s * rows_ * d, {rows_, d}};
    SparseRows& kept = S == 1 ? codes_ : parts_[static_cast<size_t>(s)];
    selection_ == Selection::row ? encoder.top_k(xc, options_.k, kept)
                                 : encoder.batch_top_k(xc, options_.k, kept);
  }
  if (S > 1) join_groups(parts_, n, codes_);
}

/// AuxK for each source: its dead rebuild what is left of the outputs that they write.
double SparseLoss::revive(const Sae& sae, const StepState& state, View<const float> residual,
                          double per_residual, Gradients& gradients) {
  const int64_t S = options_.sources, n = sae.F() / S, part = sae.d_out() / options_.outputs;
  double total = 0;
  for (int64_t s = 0; s < S; ++s) {
    const auto first = std::lower_bound(state.dead.begin(), state.dead.end(), s * n);
    const auto last = std::lower_bound(first, state.dead.end(), (s + 1) * n);
    const int64_t from = s * part, width = sae.d_out() - from;
    View<const float> rest = residual;
    if (from > 0 && first != last) {
      const View<float> span = shaped(span_, {rows_, width});
      for (int64_t b = 0; b < rows_; ++b) std::copy_n(residual.row(b) + from, width, span.row(b));
      rest = span;
    }
    const View<const float> xc{xc_.data() + s * rows_ * sae.d(), {rows_, sae.d()}};
    total += auxk_.run(sae, {first, last}, from, rest, per_residual, xc, fired_, gradients);
  }
  return total;
}

void SparseLoss::backward(const Sae& sae, View<const float> y, Gradients& gradients,
                          LossTerms& terms) {
  const int64_t F = sae.F(), d_out = sae.d_out();
  const auto M = static_cast<int64_t>(widths_.size());
  const View<float> g = shaped(g_, {M, rows_, d_out});
  dvalue_.resize(codes_.values.size());
  squared_.resize(static_cast<size_t>(M * rows_));
  std::vector<float> scale;
  for (const double weight : weights_)
    scale.push_back(static_cast<float>(2.0 * weight / static_cast<double>(rows_)));

  rows::Decode decode{codes_.indptr.data(),
                      codes_.indices.data(),
                      codes_.values.data(),
                      sae.W_dec.data(),
                      sae.b_dec.data(),
                      y.data,
                      widths_.data(),
                      scale.data(),
                      g.data,
                      dvalue_.data(),
                      squared_.data(),
                      M,
                      rows_,
                      d_out,
                      F / options_.sources,
                      d_out / options_.outputs};
  parallel_ranges(rows_, 32, [&](int64_t begin, int64_t end) { rows::decode(decode, begin, end); });
  for (int64_t q = 0; q < M; ++q) {
    double sum = 0;
    for (int64_t b = 0; b < rows_; ++b) sum += squared_[static_cast<size_t>(q * rows_ + b)];
    sum /= static_cast<double>(rows_);
    (q + 1 < M ? terms.inner : terms.reconstruction) += weights_[static_cast<size_t>(q)] * sum;
    if (q + 1 == M) terms.squared_error = sum;
  }
  column_sums(g.sub(0), gradients.b_dec, false);

  const kernels::SparseColumns columns = kernels::transpose(codes_, F);
  rows::Outer outer{columns.indptr.data(),
                    columns.rows.data(),
                    columns.entry.data(),
                    codes_.values.data(),
                    dvalue_.data(),
                    g.data,
                    xc_.data(),
                    widths_.data(),
                    gradients.W_dec.data(),
                    gradients.W_enc.data(),
                    gradients.b_enc.data(),
                    M,
                    rows_,
                    d_out,
                    sae.d(),
                    F / options_.sources,
                    d_out / options_.outputs};
  parallel_ranges(F, 32, [&](int64_t begin, int64_t end) { rows::outer(outer, begin, end); });
  fired_.assign(static_cast<size_t>(F), 0);
  for (int64_t f = 0; f < F; ++f)
    fired_[static_cast<size_t>(f)] =
        columns.indptr[static_cast<size_t>(f) + 1] > columns.indptr[static_cast<size_t>(f)];
}

LossTerms SparseLoss::run(const Sae& sae, View<const float> x, View<const float> y,
                          const StepState& state, Gradients& gradients) {
  OTO_ASSERT(x.rows() == y.rows() && x.width() == options_.sources * sae.d() &&
             y.width() == sae.d_out());
  // Only one source has anything to centre on, a skip or prefixes.
  OTO_ASSERT(options_.sources == 1 ||
             (!sae.apply_b_dec_to_input && sae.W_skip.empty() && widths_.size() == 1));
  rows_ = x.rows();
  LossTerms terms;
  fill(gradients.b_enc, 0.0f);
  select(sae, x);
  backward(sae, without_skip(sae, x, y, rest_), gradients, terms);

  const auto M = static_cast<int64_t>(widths_.size());
  // Every prefix stands on the same skip: its gradient is that of b_dec's sums.
  skip_vjp({g_.data(), {rows_, sae.d_out()}}, x, false, gradients);
  const View<const float> widest{g_.data() + (M - 1) * rows_ * sae.d_out(), {rows_, sae.d_out()}};
  terms.auxiliary =
      revive(sae, state, widest, 2.0 * weights_.back() / static_cast<double>(rows_), gradients);
  centring_vjp(sae, gradients);

  gradients.touched.clear();
  for (int64_t f = 0; f < sae.F(); ++f)
    if (fired_[static_cast<size_t>(f)] != 0) gradients.touched.push_back(static_cast<int32_t>(f));
  if (terms.auxiliary > 0) {
    std::vector<int32_t> all;
    std::set_union(gradients.touched.begin(), gradients.touched.end(), state.dead.begin(),
                   state.dead.end(), std::back_inserter(all));
    gradients.touched = std::move(all);
  }
  terms.total = terms.reconstruction + terms.inner + terms.auxiliary;
  terms.l0 = static_cast<double>(codes_.nnz()) / static_cast<double>(rows_);
  if (state.measure) terms.squared_target = spread(y);
  return terms;
}

}  // namespace otoscope::sae
