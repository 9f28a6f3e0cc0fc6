#include "otoscope/kernels/elementwise.h"

#include "kernels/cpu/elementwise_table.h"
#include "kernels/cpu/grain.h"
#include "otoscope/core/isa.h"
#include "otoscope/core/threads.h"

namespace otoscope::kernels {

using detail::kFlatGrain;
using detail::row_grain;

const ElementwiseTable& elementwise() {
  switch (active_isa()) {
    case Isa::amx:
    case Isa::avx512:
      return avx512::kElementwise;
    case Isa::avx2:
      return avx2::kElementwise;
    case Isa::scalar:
      break;
  }
  return scalar::kElementwise;
}

void layer_norm(View<const float> x, View<const float> gain, View<const float> bias, View<float> y,
                View<float> scale) {
  const int64_t rows = x.rows(), d = x.width();
  OTO_ASSERT(y.shape == x.shape && gain.size() == d && bias.size() == d && scale.size() == rows);
  if (x.empty()) return;
  const auto row = elementwise().layer_norm;
  parallel_ranges(rows, row_grain(d), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      scale.data[r] = row(x.row(r), gain.data, bias.data, d, y.row(r));
  });
}

void layer_norm_vjp(View<const float> x, View<const float> gain, View<const float> scale,
                    View<const float> dy, View<float> dx, bool frozen_scale) {
  const int64_t rows = x.rows(), d = x.width();
  OTO_ASSERT(dy.shape == x.shape && dx.shape == x.shape && gain.size() == d);
  OTO_ASSERT(scale.size() == rows);
  if (x.empty()) return;
  const auto row = elementwise().layer_norm_vjp;
  parallel_ranges(rows, row_grain(d), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r)
      row(x.row(r), gain.data, scale.data[r], dy.row(r), d, frozen_scale, dx.row(r));
  });
}

void gelu(View<const float> x, View<float> y) {
  OTO_ASSERT(y.size() == x.size());
  const auto stretch = elementwise().gelu;
  parallel_ranges(x.size(), kFlatGrain, [&](int64_t begin, int64_t end) {
    stretch(x.data + begin, end - begin, y.data + begin);
  });
}

void gelu_vjp(View<const float> x, View<const float> dy, View<float> dx, bool frozen_gate) {
  OTO_ASSERT(dy.size() == x.size() && dx.size() == x.size());
  const auto stretch = elementwise().gelu_vjp;
  parallel_ranges(x.size(), kFlatGrain, [&](int64_t begin, int64_t end) {
    stretch(x.data + begin, dy.data + begin, end - begin, frozen_gate, dx.data + begin);
  });
}

void softmax(View<const float> x, View<float> y) {
  OTO_ASSERT(y.shape == x.shape);
  if (x.empty()) return;
  const auto row = elementwise().softmax;
  const int64_t n = x.width();
  parallel_ranges(x.rows(), row_grain(n), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const bool has_a_number = row(x.row(r), n, y.row(r));
      OTO_ASSERT(has_a_number);
    }
  });
}

void softmax_vjp(View<const float> y, View<const float> dy, View<float> dx) {
  OTO_ASSERT(dy.shape == y.shape && dx.shape == y.shape);
  if (y.empty()) return;
  const auto row = elementwise().softmax_vjp;
  const int64_t n = y.width();
  parallel_ranges(y.rows(), row_grain(n), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) row(y.row(r), dy.row(r), n, dx.row(r));
  });
}

void log_softmax(View<const float> x, View<float> y) {
  OTO_ASSERT(y.shape == x.shape);
  if (x.empty()) return;
  const auto row = elementwise().log_softmax;
  const int64_t n = x.width();
  parallel_ranges(x.rows(), row_grain(n), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const bool has_a_number = row(x.row(r), n, y.row(r));
      OTO_ASSERT(has_a_number);
    }
  });
}

void add(View<const float> x, View<float> y) { axpy(1.0f, x, y); }

void axpy(float a, View<const float> x, View<float> y) {
  OTO_ASSERT(y.size() == x.size());
  const auto stretch = elementwise().axpy;
  parallel_ranges(x.size(), kFlatGrain, [&](int64_t begin, int64_t end) {
    stretch(a, x.data + begin, end - begin, y.data + begin);
  });
}

void add_rows(View<const float> b, View<float> y) {
  if (y.empty()) return;
  const int64_t d = y.width();
  OTO_ASSERT(b.size() == d);
  const auto row = elementwise().axpy;
  parallel_ranges(y.rows(), row_grain(d), [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) row(1.0f, b.data, d, y.row(r));
  });
}

float dot(const float* a, const float* b, int64_t n) { return elementwise().dot(a, b, n); }

double squared_norm(View<const float> x) {
  const auto stretch = elementwise().squared_norm;
  const int64_t n = x.size(), chunks = (n + kFlatGrain - 1) / kFlatGrain;
  Tensor<double> partial(Shape{chunks});
  parallel_ranges(n, kFlatGrain, [&](int64_t chunk, int64_t begin, int64_t end) {
    partial[chunk] = stretch(x.data + begin, end - begin);
  });
  double sum = 0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) sum += partial[chunk];
  return sum;
}

}  // namespace otoscope::kernels
