#include "sae/arch/auxk.h"

#include <algorithm>
#include <functional>

#include "otoscope/core/threads.h"
#include "otoscope/kernels/gemm.h"
#include "sae/arch/batch.h"

namespace otoscope::sae {

void AuxK::start(const Sae& sae, const std::vector<int32_t>& dead, int64_t rows) {
  dead_ = dead, rows_ = rows;
  if (!active()) return;
  const auto n = static_cast<int64_t>(dead_.size());
  pre_ = pre_.size() >= rows * n ? std::move(pre_) : Tensor<float>::uninitialized({rows * n});
  const View<float> W = shaped(W_, {n, sae.d_out()});
  for (int64_t j = 0; j < n; ++j)
    std::copy_n(sae.W_dec.view().row(dead_[static_cast<size_t>(j)]), sae.d_out(), W.row(j));
}

void AuxK::slice(View<const float> pre, int64_t first_row) {
  if (!active()) return;
  const auto n = static_cast<int64_t>(dead_.size());
  parallel_ranges(pre.rows(), 64, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b)
      for (int64_t j = 0; j < n; ++j)
        pre_[(first_row + b) * n + j] = pre.at(b, dead_[static_cast<size_t>(j)]);
  });
}

/// codes_ = the k largest pre-activations of each row, zeros elsewhere; lower index first among
/// equals.
void AuxK::keep_largest(int64_t k) {
  const auto n = static_cast<int64_t>(dead_.size());
  const View<float> codes = shaped(codes_, {rows_, n});
  parallel_ranges(rows_, 64, [&](int64_t begin, int64_t end) {
    std::vector<float> sorted(static_cast<size_t>(n));
    for (int64_t b = begin; b < end; ++b) {
      const float* z = pre_.data() + b * n;
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

double AuxK::run(const Sae& sae, View<const float> residual, double per_residual,
                 View<const float> xc, const std::vector<uint8_t>& filled, Gradients& gradients) {
  if (!active()) return 0.0;
  const int64_t n = static_cast<int64_t>(dead_.size()), d_out = sae.d_out(), d = sae.d();
  const double Z = spread(residual) * static_cast<double>(rows_) / (per_residual * per_residual);
  if (!(Z > 0)) return 0.0;
  keep_largest(options_.aux_k > 0 ? options_.aux_k : std::max<int64_t>(1, d_out / 2));
  const View<float> codes{codes_.data(), {rows_, n}}, W{W_.data(), {n, d_out}};

  // h = 2 alpha / Z (eh - e) with e = -residual / per_residual
  const View<float> h = shaped(error_, {rows_, d_out});
  kernels::gemm({codes}, {W}, h);
  const double alpha = options_.aux_coefficient;
  const auto inverse = static_cast<float>(1.0 / per_residual);
  const auto scale = static_cast<float>(2.0 * alpha / Z);
  std::vector<double> parts(static_cast<size_t>(rows_));
  parallel_ranges(rows_, 64, [&](int64_t begin, int64_t end) {
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

  const View<float> da = shaped(da_, {rows_, n});
  kernels::gemm({h}, kernels::transposed(W), da);
  parallel_ranges(rows_ * n, 1 << 14, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      if (codes[i] == 0.0f) da[i] = 0.0f;
  });

  const auto add_rows = [&](View<const float> dW, Tensor<float>& out) {
    for (int64_t j = 0; j < n; ++j) {
      const int32_t f = dead_[static_cast<size_t>(j)];
      float* row = out.view().row(f);
      const bool holds = filled[static_cast<size_t>(f)] != 0;
      for (int64_t i = 0; i < dW.width(); ++i) row[i] = (holds ? row[i] : 0.0f) + dW.at(j, i);
    }
  };
  View<float> dW = shaped(dW_, {n, d_out});
  kernels::gemm(kernels::transposed(codes), {h}, dW);
  add_rows(dW, gradients.W_dec);
  dW = shaped(dW_, {n, d});
  kernels::gemm(kernels::transposed(da), {xc}, dW);
  add_rows(dW, gradients.W_enc);
  const View<float> bias = shaped(dW_, {n});
  column_sums(da, bias, false);
  for (int64_t j = 0; j < n; ++j) gradients.b_enc[dead_[static_cast<size_t>(j)]] += bias[j];
  return alpha * squared / Z;
}

}  // namespace otoscope::sae
