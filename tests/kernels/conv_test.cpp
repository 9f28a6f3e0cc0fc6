#include <doctest/doctest.h>

#include <cmath>

#include "otoscope/core/half.h"
#include "otoscope/core/isa.h"
#include "otoscope/core/rng.h"
#include "otoscope/kernels/gemm.h"
#include "support/close.h"

namespace otoscope::kernels {
namespace {

Tensor<float> random(Shape shape, const char* name, bool rounded) {
  Rng rng(11, name);
  Tensor<float> x(shape);
  for (int64_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(rng.normal());
    if (rounded) x[i] = to_float(to_bf16(x[i]));  // exact in bf16, so one tolerance serves both
  }
  return x;
}

/// Adds w * x to the right places: visit(b, t_out, o, t_in, i, weight) for each term of the sum.
template <class Visit>
void for_each_term(View<const float> W, int64_t B, int64_t T, int stride, Visit&& visit) {
  const int64_t out = W.shape[0], in = W.shape[1], T_out = (T + stride - 1) / stride;
  for (int64_t b = 0; b < B; ++b)
    for (int64_t t = 0; t < T_out; ++t)
      for (int64_t tap = 0; tap < 3; ++tap) {
        const int64_t from = t * stride + tap - 1;
        if (from < 0 || from >= T) continue;
        for (int64_t o = 0; o < out; ++o)
          for (int64_t i = 0; i < in; ++i)
            visit((b * T_out + t) * out + o, (b * T + from) * in + i,
                  static_cast<double>(W.data[(o * in + i) * 3 + tap]), o);
      }
}

void check(View<const float> got, const std::vector<double>& want, const std::vector<double>& size,
           int64_t terms) {
  for (int64_t i = 0; i < got.size(); ++i) {
    const auto at = static_cast<size_t>(i);
    const double difference = std::fabs(static_cast<double>(got[i]) - want[at]);
    if (!(difference <= testing::dot_tolerance(terms, size[at]) + 1e-30)) {
      CAPTURE(i);
      CAPTURE(want[at]);
      CAPTURE(got[i]);
      FAIL_CHECK("differs by more than rounding");
      return;
    }
  }
}

}  // namespace

TEST_CASE("Conv1d and its vjp equal the written-out sum") {
  for (const Precision p : {Precision::f32, Precision::bf16})
    for (const int stride : {1, 2})
      for (const int64_t T : {1, 2, 3, 16, 31})
        for (const auto& widths : {std::pair<int64_t, int64_t>{1, 1}, {5, 3}, {80, 48}}) {
          const int64_t in = widths.first, out = widths.second;
          CAPTURE(stride);
          CAPTURE(T);
          CAPTURE(in);
          CAPTURE(out);
          CAPTURE(static_cast<int>(p));
          const int64_t B = 2, T_out = (T + stride - 1) / stride;
          const bool rounded = p == Precision::bf16;
          const auto W = random(Shape{out, in, 3}, "W", rounded);
          const auto b = random(Shape{out}, "b", rounded);
          const auto x = random(Shape{B, T, in}, "x", rounded);
          const auto dy = random(Shape{B, T_out, out}, "dy", rounded);
          Tensor<float> y(Shape{B, T_out, out}), dx(Shape{B, T, in});
          std::vector<double> want(static_cast<size_t>(y.size())), size(want.size());
          std::vector<double> dwant(static_cast<size_t>(dx.size())), dsize(dwant.size());
          for (int64_t i = 0; i < y.size(); ++i) {
            want[static_cast<size_t>(i)] = b[i % out];
            size[static_cast<size_t>(i)] = std::fabs(b[i % out]);
          }
          for_each_term(W, B, T, stride, [&](int64_t to, int64_t from, double w, int64_t) {
            const auto t = static_cast<size_t>(to), f = static_cast<size_t>(from);
            want[t] += w * x[from], size[t] += std::fabs(w * x[from]);
            dwant[f] += w * dy[to], dsize[f] += std::fabs(w * dy[to]);
          });
          const Conv1d conv(W, b, stride, p);
          conv.forward(x, y);
          check(y, want, size, 3 * in + 1);
          conv.vjp(dy, dx);
          check(dx, dwant, dsize, 3 * out + 1);
        }
}

}  // namespace otoscope::kernels
