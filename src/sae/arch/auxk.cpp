#include "sae/arch/auxk.h"

#include <algorithm>
#include <functional>

#include "otoscope/core/threads.h"
#include "otoscope/kernels/elementwise.h"
#include "otoscope/kernels/gemm.h"
#include "sae/arch/batch.h"

namespace otoscope::sae {

namespace {

/// The rows of W that are named, their columns from `from` on.
View<float> gathered(const Tensor<float>& W, const std::vector<int32_t>& rows, int64_t from,
                     Tensor<float>& out) {
  const int64_t d = W.shape()[1] - from;
  const View<float> some = shaped(out, {static_cast<int64_t>(rows.size()), d});
  for (size_t j = 0; j < rows.size(); ++j)
    std::copy_n(W.view().row(rows[j]) + from, d, some.row(static_cast<int64_t>(j)));
  return some;
}

}  // namespace

/// The k largest pre-activations of each row, zeros elsewhere; lower index first among equals.
void AuxK::keep_largest(View<const float> pre, View<float> codes, int64_t k) const {
  const int64_t n = pre.width();
  parallel_ranges(pre.rows(), 64, [&](int64_t begin, int64_t end) {
    std::vector<float> sorted(static_cast<size_t>(n));
    for (int64_t b = begin; b < end; ++b) {
      const float* z = pre.row(b);
      float* out = codes.row(b);
      std::copy_n(z, n, out);
      if (n > k) {
        std::copy_n(z, n, sorted.begin());
        std::nth_element(sorted.begin(), sorted.begin() + (k - 1), sorted.end(), std::greater<>());
        const float least = sorted[static_cast<size_t>(k - 1)];
        int64_t equal_left = k - std::count_if(z, z + n, [&](float v) { return v > least; });
        for (int64_t j = 0; j < n; ++j)
          if (!(z[j] > least) && !(z[j] == least && equal_left-- > 0)) out[j] = 0.0f;
      }
      if (options_.aux_rectified)
        for (int64_t j = 0; j < n; ++j) out[j] = std::max(out[j], 0.0f);
    }
  });
}

double AuxK::run(const Sae& sae, const std::vector<int32_t>& dead, int64_t from,
                 View<const float> residual, double per_residual, View<const float> xc,
                 const std::vector<uint8_t>& filled, Gradients& gradients) {
  if (dead.empty() || options_.aux_coefficient == 0) return 0.0;
  const int64_t rows = xc.rows(), n = static_cast<int64_t>(dead.size());
  const int64_t d_out = sae.d_out() - from, d = sae.d();
  OTO_ASSERT(residual.width() == d_out);
  const double Z = spread(residual) * static_cast<double>(rows) / (per_residual * per_residual);
  if (!(Z > 0)) return 0.0;

  const View<float> pre = shaped(pre_, {rows, n}), codes = shaped(codes_, {rows, n});
  kernels::gemm({xc}, kernels::transposed(gathered(sae.W_enc, dead, 0, W_)), pre);
  const View<float> b_enc = shaped(b_, {n});
  for (int64_t j = 0; j < n; ++j) b_enc[j] = sae.b_enc[dead[static_cast<size_t>(j)]];
  kernels::add_rows(b_enc, pre);
  keep_largest(pre, codes, options_.aux_k > 0 ? options_.aux_k : std::max<int64_t>(1, d_out / 2));
  const View<const float> W = gathered(sae.W_dec, dead, from, W_);

  // h = 2 alpha / Z (eh - e) with e = -residual / per_residual
  const View<float> h = shaped(error_, {rows, d_out});
  kernels::gemm({codes}, {W}, h);
  const double alpha = options_.aux_coefficient;
  const auto inverse = static_cast<float>(1.0 / per_residual);
  const auto scale = static_cast<float>(2.0 * alpha / Z);
  std::vector<double> parts(static_cast<size_t>(rows));
  parallel_ranges(rows, 64, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      double sum = 0;
      for (int64_t i = 0; i < d_out; ++i) {
        const float difference = h.at(b, i) + residual.at(b, i) * inverse;
        sum += static_cast<double>(difference) * difference;
        h.at(b, i) = scale * difference;
      }
      parts[static_cast<size_t>(b)] = sum;
    }
  });
  double squared = 0;
  for (const double part : parts) squared += part;

  const View<float> da = shaped(da_, {rows, n});
  kernels::gemm({h}, kernels::transposed(W), da);
  parallel_ranges(rows * n, 1 << 14, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      if (codes[i] == 0.0f) da[i] = 0.0f;
  });

  const auto add_to = [&](View<const float> dW, int64_t first, Tensor<float>& out) {
    for (int64_t j = 0; j < n; ++j) {
      const int32_t f = dead[static_cast<size_t>(j)];
      const bool holds = filled[static_cast<size_t>(f)] != 0;
      if (!holds) std::fill_n(out.view().row(f), first, 0.0f);
      float* row = out.view().row(f) + first;
      for (int64_t i = 0; i < dW.width(); ++i) row[i] = (holds ? row[i] : 0.0f) + dW.at(j, i);
    }
  };
  View<float> dW = shaped(dW_, {n, d_out});
  kernels::gemm(kernels::transposed(codes), {h}, dW);
  add_to(dW, from, gradients.W_dec);
  dW = shaped(dW_, {n, d});
  kernels::gemm(kernels::transposed(da), {xc}, dW);
  add_to(dW, 0, gradients.W_enc);
  const View<float> bias = shaped(dW_, {n});
  column_sums(da, bias, false);
  for (int64_t j = 0; j < n; ++j) gradients.b_enc[dead[static_cast<size_t>(j)]] += bias[j];
  return alpha * squared / Z;
}

}  // namespace otoscope::sae
