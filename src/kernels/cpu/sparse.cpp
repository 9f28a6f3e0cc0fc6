#include "otoscope/kernels/sparse.h"

#include <algorithm>

#include "kernels/cpu/elementwise_table.h"
#include "otoscope/core/threads.h"

namespace otoscope::kernels {
namespace {

constexpr int64_t kRowsPerPiece = 16;

}  // namespace

void sparse_decode(const SparseRows& z, View<const float> W, View<const float> b_dec,
                   View<float> y) {
  const int64_t B = z.rows(), d = W.width();
  OTO_ASSERT((y.shape == Shape{B, d}));
  OTO_ASSERT(b_dec.empty() || b_dec.size() == d);
  const auto add_weighted_rows = elementwise().add_weighted_rows;
  parallel_ranges(B, kRowsPerPiece, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      if (b_dec.empty())
        std::fill_n(y.row(b), d, 0.0f);
      else
        std::copy_n(b_dec.data, d, y.row(b));
      const int64_t first = z.indptr[static_cast<size_t>(b)];
      add_weighted_rows(W.data, d, z.indices.data() + first, z.values.data() + first,
                        z.indptr[static_cast<size_t>(b) + 1] - first, y.row(b));
    }
  });
}

void sparse_decode_vjp_values(const SparseRows& z, View<const float> W, View<const float> dy,
                              std::vector<float>& dval) {
  const int64_t B = z.rows(), d = W.width();
  OTO_ASSERT((dy.shape == Shape{B, d}));
  dval.resize(z.values.size());
  const auto dot = elementwise().dot;
  parallel_ranges(B, kRowsPerPiece, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b)
      for (auto e = static_cast<size_t>(z.indptr[static_cast<size_t>(b)]);
           e < static_cast<size_t>(z.indptr[static_cast<size_t>(b) + 1]); ++e)
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
    ++columns.indptr[static_cast<size_t>(f) + 1];
  }
  for (size_t f = 0; f < static_cast<size_t>(F); ++f) columns.indptr[f + 1] += columns.indptr[f];
  std::vector<int64_t> next(columns.indptr.begin(), columns.indptr.end() - 1);
  for (int64_t b = 0; b < z.rows(); ++b)
    for (int64_t e = z.indptr[static_cast<size_t>(b)]; e < z.indptr[static_cast<size_t>(b) + 1];
         ++e) {
      const auto place =
          static_cast<size_t>(next[static_cast<size_t>(z.indices[static_cast<size_t>(e)])]++);
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
  const auto nnz = static_cast<int64_t>(columns.entry.size());
  // Few features carry many entries, so pieces are cut by entries; a feature belongs to the piece
  // in which it starts.
  constexpr int64_t kEntriesPerPiece = 512;
  const auto starting_from = [&](int64_t entry) {
    return std::lower_bound(columns.indptr.begin(), columns.indptr.end() - 1, entry) -
           columns.indptr.begin();
  };
  const auto add_weighted_rows = elementwise().add_weighted_rows;
  parallel_ranges(nnz, kEntriesPerPiece, [&](int64_t begin, int64_t end) {
    std::vector<float> weights;
    for (int64_t f = starting_from(begin), last = starting_from(end); f < last; ++f) {
      const int64_t first = columns.indptr[static_cast<size_t>(f)];
      const int64_t count = columns.indptr[static_cast<size_t>(f) + 1] - first;
      weights.resize(static_cast<size_t>(count));
      for (int64_t i = 0; i < count; ++i)
        weights[static_cast<size_t>(i)] =
            coefficient[static_cast<size_t>(columns.entry[static_cast<size_t>(first + i)])];
      add_weighted_rows(g.data, d, columns.rows.data() + first, weights.data(), count, dW.row(f));
    }
  });
}

}  // namespace otoscope::kernels
