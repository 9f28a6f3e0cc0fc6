#include "sae/train/summed_norm.h"

#include <cmath>

#include "otoscope/core/threads.h"
#include "otoscope/kernels/elementwise.h"

namespace otoscope::sae {
namespace {

double norm_of(const float* row, int64_t d) {
  return std::sqrt(kernels::squared_norm({row, Shape{d}}));
}

}  // namespace

Tensor<float> site_norms(View<const float> W, int64_t S) {
  const int64_t d = W.width() / S;
  Tensor<float> norms({W.rows(), S});
  parallel_ranges(W.rows(), 16, [&](int64_t begin, int64_t end) {
    for (int64_t f = begin; f < end; ++f)
      for (int64_t s = 0; s < S; ++s)
        norms.at(f, s) = static_cast<float>(norm_of(W.row(f) + s * d, d));
  });
  return norms;
}

void project_out_summed_norm(View<float> G, View<const float> D, int64_t S,
                             View<const int32_t> rows) {
  const int64_t d = D.width() / S;
  parallel_ranges(rows.size(), 16, [&](int64_t begin, int64_t end) {
    std::vector<double> inverse(static_cast<size_t>(S));
    for (int64_t i = begin; i < end; ++i) {
      float* g = G.row(rows[i]);
      const float* row = D.row(rows[i]);
      double along = 0, sites = 0;
      for (int64_t s = 0; s < S; ++s) {
        const double norm = norm_of(row + s * d, d);
        inverse[static_cast<size_t>(s)] = norm > 0 ? 1.0 / norm : 0.0;
        sites += norm > 0 ? 1.0 : 0.0;
        along += inverse[static_cast<size_t>(s)] *
                 static_cast<double>(kernels::dot(g + s * d, row + s * d, d));
      }
      for (int64_t s = 0; s < S && sites > 0; ++s)
        kernels::axpy(static_cast<float>(-along / sites * inverse[static_cast<size_t>(s)]),
                      {row + s * d, Shape{d}}, {g + s * d, Shape{d}});
    }
  });
}

void normalize_summed_norm(View<float> W, int64_t S) {
  const int64_t d = W.width() / S;
  parallel_ranges(W.rows(), 16, [&](int64_t begin, int64_t end) {
    for (int64_t f = begin; f < end; ++f) {
      double sum = 0;
      for (int64_t s = 0; s < S; ++s) sum += norm_of(W.row(f) + s * d, d);
      if (!(sum > 0)) continue;
      const auto factor = static_cast<float>(std::sqrt(static_cast<double>(S)) / sum);
      for (int64_t i = 0; i < W.width(); ++i) W.row(f)[i] *= factor;
    }
  });
}

}  // namespace otoscope::sae
