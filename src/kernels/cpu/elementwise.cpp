#include "otoscope/kernels/elementwise.h"

#include "kernels/cpu/reference.h"
#include "kernels/cpu/rows.h"
#include "otoscope/core/threads.h"

namespace otoscope::kernels {

using detail::kFlatGrain;
using detail::row_grain;

void layer_norm(View<const float> x, View<const float> gain, View<const float> bias, View<float> y,
                View<float> scale) {
  const int64_t rows = x.rows(), d = x.width();
  OTO_ASSERT(y.shape == x.shape && gain.size() == d && bias.size() == d && scale.size() == rows);
  if (x.empty()) return;
  parallel_ranges(rows, row_grain(d), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      scale.data[r] = reference::layer_norm_row(x.row(r), gain.data, bias.data, d, 1e-5f, y.row(r));
  });
}

void layer_norm_vjp(View<const float> x, View<const float> gain, View<const float> scale,
                    View<const float> dy, View<float> dx, bool frozen_scale) {
  const int64_t rows = x.rows(), d = x.width();
  OTO_ASSERT(dy.shape == x.shape && dx.shape == x.shape && gain.size() == d);
  OTO_ASSERT(scale.size() == rows);
  if (x.empty()) return;
  parallel_ranges(rows, row_grain(d), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      reference::layer_norm_vjp_row(x.row(r), gain.data, scale.data[r], dy.row(r), d, frozen_scale,
                                    dx.row(r));
  });
}

void gelu(View<const float> x, View<float> y) {
  OTO_ASSERT(y.size() == x.size());
  parallel_ranges(x.size(), kFlatGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y.data[i] = reference::gelu(x.data[i]);
  });
}

void gelu_vjp(View<const float> x, View<const float> dy, View<float> dx, bool frozen_gate) {
  OTO_ASSERT(dy.size() == x.size() && dx.size() == x.size());
  parallel_ranges(x.size(), kFlatGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      dx.data[i] = dy.data[i] * reference::gelu_slope(x.data[i], frozen_gate);
  });
}

void softmax(View<const float> x, View<float> y) {
  OTO_ASSERT(y.shape == x.shape);
  if (x.empty()) return;
  const int64_t n = x.width();
  parallel_ranges(x.rows(), row_grain(n), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) OTO_ASSERT(reference::softmax_row(x.row(r), n, y.row(r)));
  });
}

void softmax_vjp(View<const float> y, View<const float> dy, View<float> dx) {
  OTO_ASSERT(dy.shape == y.shape && dx.shape == y.shape);
  if (y.empty()) return;
  const int64_t n = y.width();
  parallel_ranges(y.rows(), row_grain(n), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      reference::softmax_vjp_row(y.row(r), dy.row(r), n, dx.row(r));
  });
}

void log_softmax(View<const float> x, View<float> y) {
  OTO_ASSERT(y.shape == x.shape);
  if (x.empty()) return;
  const int64_t n = x.width();
  parallel_ranges(x.rows(), row_grain(n), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      OTO_ASSERT(reference::log_softmax_row(x.row(r), n, y.row(r)));
  });
}

void add(View<const float> x, View<float> y) { axpy(1.0f, x, y); }

void axpy(float a, View<const float> x, View<float> y) {
  OTO_ASSERT(y.size() == x.size());
  parallel_ranges(x.size(), kFlatGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) y.data[i] += a * x.data[i];
  });
}

void add_rows(View<const float> b, View<float> y) {
  if (y.empty()) return;
  const int64_t d = y.width();
  OTO_ASSERT(b.size() == d);
  parallel_ranges(y.rows(), row_grain(d), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t i = 0; i < d; ++i) y.row(r)[i] += b.data[i];
  });
}

float dot(const float* a, const float* b, int64_t n) { return reference::dot(a, b, n); }

double squared_norm(View<const float> x) {
  const int64_t n = x.size(), chunks = (n + kFlatGrain - 1) / kFlatGrain;
  Tensor<double> partial(Shape{chunks});
  parallel_ranges(n, kFlatGrain, [&](int64_t chunk, int64_t begin, int64_t end) {
    double sum = 0;
    for (int64_t i = begin; i < end; ++i)
      sum += static_cast<double>(x.data[i]) * static_cast<double>(x.data[i]);
    partial[chunk] = sum;
  });
  double sum = 0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) sum += partial[chunk];
  return sum;
}

}  // namespace otoscope::kernels
