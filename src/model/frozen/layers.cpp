#include <algorithm>

#include "model/frozen/impl.h"
#include "model/vjp/norm_vjp.h"
#include "otoscope/core/threads.h"

namespace otoscope::model {

void frozen_norm(const NormWeights& w, View<const float> scale, View<const float> x,
                 View<float> y) {
  const int64_t d = x.width();
  for (int64_t t = 0; t < x.rows(); ++t) {
    const float mean = NormRow<float>{x.row(t), w.gain.data(), d}.mean();
    for (int64_t j = 0; j < d; ++j)
      y.at(t, j) = (x.at(t, j) - mean) * scale[t] * w.gain[j] + w.bias[j];
  }
}

void frozen_norm_row_vjp(const NormWeights& w, float scale, const float* dy, int64_t d, float* dx) {
  NormRow<float>{nullptr, w.gain.data(), d}.add_through_values(dy, scale, dx);
}

void frozen_norm_vjp(const NormWeights& w, View<const float> scale, View<const float> dy,
                     View<float> dx) {
  const int64_t N = dy.shape[1], d = dy.width();
  parallel_ranges(dy.rows(), 64, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      frozen_norm_row_vjp(w, scale[r / N], dy.row(r), d, dx.row(r));
  });
}

void gather_head(View<const float> x, int64_t h, int64_t heads, View<float> head) {
  const int64_t D = x.width() / heads;
  parallel_ranges(x.rows(), 256, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) std::copy_n(x.row(r) + h * D, D, head.data + r * D);
  });
}

void scatter_head(View<const float> head, int64_t h, int64_t heads, View<float> x) {
  const int64_t D = x.width() / heads;
  parallel_ranges(x.rows(), 256, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) std::copy_n(head.data + r * D, D, x.row(r) + h * D);
  });
}

}  // namespace otoscope::model
