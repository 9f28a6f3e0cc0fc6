#include "sae/arch/batch.h"

#include <algorithm>

#include "otoscope/core/threads.h"
#include "otoscope/kernels/gemm.h"

namespace otoscope::sae {
namespace {

constexpr int64_t kColumns = 64;  // a few cache lines a row

}  // namespace

Gradients::Gradients(const Sae& sae) {
  const auto like = [](const Tensor<float>& x) {
    return x.empty() ? Tensor<float>() : Tensor<float>(x.shape());
  };
  W_enc = like(sae.W_enc), W_dec = like(sae.W_dec);
  b_enc = like(sae.b_enc), b_dec = like(sae.b_dec);
  threshold = like(sae.threshold), b_mag = like(sae.b_mag), r_mag = like(sae.r_mag);
  W_skip = like(sae.W_skip);
}

void centre(const Sae& sae, View<const float> x, Tensor<float>& out) {
  const View<float> xc = shaped(out, x.shape);
  const int64_t d = x.width();
  parallel_ranges(x.rows(), 64, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b)
      for (int64_t i = 0; i < d; ++i)
        xc.at(b, i) = sae.apply_b_dec_to_input ? x.at(b, i) - sae.b_dec[i] : x.at(b, i);
  });
}

void blocks_of(View<const float> x, int64_t S, Tensor<float>& out) {
  const int64_t rows = x.rows(), d = x.width() / S;
  const View<float> blocks = shaped(out, {S, rows, d});
  parallel_ranges(rows, 64, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b)
      for (int64_t s = 0; s < S; ++s)
        std::copy_n(x.row(b) + s * d, d, blocks.data + (s * rows + b) * d);
  });
}

void join_groups(const std::vector<SparseRows>& groups, int64_t n, SparseRows& out) {
  out.clear();
  for (size_t b = 0; b < static_cast<size_t>(groups[0].rows()); ++b) {
    for (size_t s = 0; s < groups.size(); ++s)
      for (int64_t e = groups[s].indptr[b]; e < groups[s].indptr[b + 1]; ++e) {
        const auto at = static_cast<size_t>(e);
        out.indices.push_back(groups[s].indices[at] + static_cast<int32_t>(n * int64_t(s)));
        out.values.push_back(groups[s].values[at]);
      }
    out.indptr.push_back(static_cast<int64_t>(out.indices.size()));
  }
}

View<float> shaped(Tensor<float>& buffer, Shape shape) {
  if (buffer.size() < shape.count()) buffer = Tensor<float>::uninitialized(Shape{shape.count()});
  return {buffer.data(), shape};
}

void column_sums(View<const float> x, View<float> out, bool accumulate) {
  const int64_t d = x.width(), rows = x.rows();
  OTO_ASSERT(out.size() == d);
  parallel_ranges(d, kColumns, [&](int64_t begin, int64_t end) {
    double sums[kColumns] = {};
    for (int64_t b = 0; b < rows; ++b)
      for (int64_t i = begin; i < end; ++i) sums[i - begin] += x.at(b, i);
    for (int64_t i = begin; i < end; ++i)
      out[i] = static_cast<float>((accumulate ? out[i] : 0.0f) + sums[i - begin]);
  });
}

double spread(View<const float> y) {
  const int64_t d = y.width(), rows = y.rows();
  std::vector<double> parts(static_cast<size_t>(d));
  parallel_ranges(d, kColumns, [&](int64_t begin, int64_t end) {
    double sums[kColumns] = {}, squares[kColumns] = {};
    for (int64_t b = 0; b < rows; ++b)
      for (int64_t i = begin; i < end; ++i) {
        const double value = y.at(b, i);
        sums[i - begin] += value, squares[i - begin] += value * value;
      }
    for (int64_t i = begin; i < end; ++i)
      parts[static_cast<size_t>(i)] =
          squares[i - begin] - sums[i - begin] * sums[i - begin] / static_cast<double>(rows);
  });
  double total = 0;
  for (const double part : parts) total += part;
  return total / static_cast<double>(rows);
}

void centring_vjp(const Sae& sae, Gradients& gradients) {
  if (!sae.apply_b_dec_to_input) return;
  const int64_t d = sae.d(), F = sae.F();
  parallel_ranges(d, kColumns, [&](int64_t begin, int64_t end) {
    double sums[kColumns] = {};
    for (int64_t f = 0; f < F; ++f) {
      const double bias = gradients.b_enc[f];
      if (bias == 0) continue;
      const float* row = sae.W_enc.view().row(f);
      for (int64_t i = begin; i < end; ++i) sums[i - begin] += bias * row[i];
    }
    for (int64_t i = begin; i < end; ++i)
      gradients.b_dec[i] = static_cast<float>(gradients.b_dec[i] - sums[i - begin]);
  });
}

View<const float> without_skip(const Sae& sae, View<const float> x, View<const float> y,
                               Tensor<float>& buffer) {
  if (sae.W_skip.empty()) return y;
  OTO_ASSERT(!sae.apply_b_dec_to_input && (sae.W_skip.shape() == Shape{y.width(), x.width()}));
  const View<float> rest = shaped(buffer, y.shape);
  kernels::gemm({x}, kernels::transposed(sae.W_skip.view()), rest);
  parallel_ranges(rest.size(), 1 << 14, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) rest[i] = y[i] - rest[i];
  });
  return rest;
}

void skip_vjp(View<const float> g, View<const float> x, bool accumulate, Gradients& gradients) {
  if (gradients.W_skip.empty()) return;
  kernels::gemm(kernels::transposed(g), {x}, gradients.W_skip, accumulate ? 1.0f : 0.0f);
}

void fill(Tensor<float>& x, float value) { std::fill_n(x.data(), x.size(), value); }

}  // namespace otoscope::sae
