#include "otoscope/kernels/rows.h"

#include <cmath>
#include <vector>

#include "kernels/cpu/elementwise_table.h"
#include "kernels/cpu/grain.h"
#include "otoscope/core/threads.h"

namespace otoscope::kernels {

using detail::row_grain;

void row_norms(View<const float> W, View<float> norms) {
  OTO_ASSERT(W.shape.rank() == 2 && norms.size() == W.shape[0]);
  const int64_t d = W.shape[1];
  const auto squared = elementwise().squared_norm;
  parallel_ranges(W.shape[0], row_grain(d), [&](int64_t begin, int64_t end) {
    for (int64_t f = begin; f < end; ++f)
      norms.data[f] = static_cast<float>(std::sqrt(squared(W.row(f), d)));
  });
}

void normalize_rows(View<float> W) {
  OTO_ASSERT(W.shape.rank() == 2);
  const int64_t d = W.shape[1];
  const auto& fast = elementwise();
  parallel_ranges(W.shape[0], row_grain(d), [&](int64_t begin, int64_t end) {
    for (int64_t f = begin; f < end; ++f) {
      const double norm = std::sqrt(fast.squared_norm(W.row(f), d));
      if (norm > 0) fast.scale(static_cast<float>(1 / norm), d, W.row(f));
    }
  });
}

void scale_rows(View<float> W, View<const float> factor) {
  OTO_ASSERT(W.shape.rank() == 2 && factor.size() == W.shape[0]);
  const int64_t d = W.shape[1];
  const auto scale = elementwise().scale;
  parallel_ranges(W.shape[0], row_grain(d), [&](int64_t begin, int64_t end) {
    for (int64_t f = begin; f < end; ++f) scale(factor.data[f], d, W.row(f));
  });
}

void project_out_rows(View<float> G, View<const float> D) {
  OTO_ASSERT(G.shape.rank() == 2 && D.shape == G.shape);
  const int64_t d = G.shape[1];
  const auto& fast = elementwise();
  parallel_ranges(G.shape[0], row_grain(d), [&](int64_t begin, int64_t end) {
    for (int64_t f = begin; f < end; ++f)
      fast.axpy(-fast.dot(G.row(f), D.row(f), d), D.row(f), d, G.row(f));
  });
}

void project_out_rows(View<float> G, View<const float> D, View<const int32_t> rows) {
  OTO_ASSERT(G.shape.rank() == 2 && D.shape == G.shape);
  const int64_t d = G.shape[1];
  const auto& fast = elementwise();
  parallel_ranges(rows.size(), row_grain(d), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t f = rows.data[i];
      fast.axpy(-fast.dot(G.row(f), D.row(f), d), D.row(f), d, G.row(f));
    }
  });
}

double squared_norm_rows(View<const float> G, View<const int32_t> rows) {
  OTO_ASSERT(G.shape.rank() == 2);
  const int64_t d = G.shape[1], grain = row_grain(d), n = rows.size();
  std::vector<double> partial(static_cast<size_t>((n + grain - 1) / grain));
  const auto squared = elementwise().squared_norm;
  parallel_ranges(n, grain, [&](int64_t chunk, int64_t begin, int64_t end) {
    double sum = 0;
    for (int64_t i = begin; i < end; ++i) sum += squared(G.row(rows.data[i]), d);
    partial[static_cast<size_t>(chunk)] = sum;
  });
  double sum = 0;
  for (const double part : partial) sum += part;
  return sum;
}

}  // namespace otoscope::kernels
