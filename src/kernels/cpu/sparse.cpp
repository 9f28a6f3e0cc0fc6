#include "otoscope/kernels/sparse.h"

#include "kernels/cpu/rows.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::kernels {

void sparse_decode(const SparseRows& z, View<const float> W, View<const float> b_dec,
                   View<float> y) {
  const int64_t B = z.rows(), d = W.width();
  OTO_ASSERT((y.shape == Shape{B, d}));
  OTO_ASSERT(b_dec.empty() || b_dec.size() == d);
  parallel_ranges(B, 16, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      float* out = y.row(b);
      for (int64_t i = 0; i < d; ++i) out[i] = b_dec.empty() ? 0.0f : b_dec.data[i];
      for (int64_t e = z.indptr[b]; e < z.indptr[b + 1]; ++e) {
        const float value = z.values[e];
        const float* w = W.row(z.indices[e]);
        for (int64_t i = 0; i < d; ++i) out[i] += value * w[i];
      }
    }
  });
}

void sparse_decode_vjp_values(const SparseRows& z, View<const float> W, View<const float> dy,
                              std::vector<float>& dval) {
  const int64_t B = z.rows(), d = W.width();
  OTO_ASSERT((dy.shape == Shape{B, d}));
  dval.resize(z.values.size());
  parallel_ranges(B, 16, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b)
      for (int64_t e = z.indptr[b]; e < z.indptr[b + 1]; ++e)
        dval[e] = dot(dy.row(b), W.row(z.indices[e]), d);
  });
}

SparseColumns transpose(const SparseRows& z, int64_t F) {
  SparseColumns columns;
  columns.indptr.assign(static_cast<size_t>(F + 1), 0);
  columns.rows.resize(z.indices.size());
  columns.entry.resize(z.indices.size());
  for (const int32_t f : z.indices) {
    OTO_ASSERT(f >= 0 && f < F);
    ++columns.indptr[f + 1];
  }
  for (int64_t f = 0; f < F; ++f) columns.indptr[f + 1] += columns.indptr[f];
  std::vector<int64_t> next(columns.indptr.begin(), columns.indptr.end() - 1);
  for (int64_t b = 0; b < z.rows(); ++b)
    for (int64_t e = z.indptr[b]; e < z.indptr[b + 1]; ++e) {
      const int64_t place = next[z.indices[e]]++;
      columns.rows[place] = static_cast<int32_t>(b);
      columns.entry[place] = e;
    }
  return columns;
}

void sparse_outer(const SparseColumns& columns, const std::vector<float>& coefficient,
                  View<const float> g, View<float> dW) {
  const int64_t F = static_cast<int64_t>(columns.indptr.size()) - 1, d = g.width();
  OTO_ASSERT((dW.shape == Shape{F, d}));
  OTO_ASSERT(coefficient.size() == columns.entry.size());
  parallel_ranges(F, 32, [&](int64_t begin, int64_t end) {
    for (int64_t f = begin; f < end; ++f)
      for (int64_t place = columns.indptr[f]; place < columns.indptr[f + 1]; ++place) {
        const float c = coefficient[columns.entry[place]];
        const float* row = g.row(columns.rows[place]);
        float* out = dW.row(f);
        for (int64_t i = 0; i < d; ++i) out[i] += c * row[i];
      }
  });
}

}  // namespace otoscope::kernels
