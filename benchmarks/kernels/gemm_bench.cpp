#include "otoscope/kernels/gemm.h"

#include "support/work.h"

namespace otoscope::kernels {
namespace {

double flop(const benchmark::State& s) {
  return 2.0 * static_cast<double>(s.range(0)) * static_cast<double>(s.range(1)) *
         static_cast<double>(s.range(2));
}

/// y = x W^T: x (M, K), W (N, K), as a layer does it.
void linear(benchmark::State& state, Precision precision) {
  const int64_t M = state.range(0), K = state.range(1), N = state.range(2);
  const auto x = normals(Shape{M, K}, "x"), W = normals(Shape{N, K}, "W");
  const Linear layer(W, {}, precision);
  Tensor<float> y(Shape{M, N});
  for (auto _ : state) layer.forward(x, y);
  work(state, flop(state), 0);
}

/// The same without packing, as training does it.
void gemm(benchmark::State& state, Precision precision) {
  const int64_t M = state.range(0), K = state.range(1), N = state.range(2);
  const auto x = normals(Shape{M, K}, "x"), W = normals(Shape{N, K}, "W");
  Tensor<float> y(Shape{M, N});
  for (auto _ : state) kernels::gemm({x}, transposed(W), y, 0.0f, precision);
  work(state, flop(state), 0);
}

/// Attention scores of n heads: (T, 64) by (T, 64) transposed, and weights (T, T) by (T, 64).
void scores(benchmark::State& state, Precision precision) {
  const int64_t n = state.range(0), T = state.range(1), d = 64;
  const auto q = normals(Shape{n, T, d}, "q"), k = normals(Shape{n, T, d}, "k");
  Tensor<float> s(Shape{n, T, T});
  for (auto _ : state) batched_gemm({q}, transposed(k), s, 0.125f, 0.0f, precision);
  work(state, 2.0 * static_cast<double>(n * T * T * d), 0);
}

void mix(benchmark::State& state, Precision precision) {
  const int64_t n = state.range(0), T = state.range(1), d = 64;
  const auto p = normals(Shape{n, T, T}, "p"), v = normals(Shape{n, T, d}, "v");
  Tensor<float> z(Shape{n, T, d});
  for (auto _ : state) batched_gemm({p}, {v}, z, 1.0f, 0.0f, precision);
  work(state, 2.0 * static_cast<double>(n * T * T * d), 0);
}

void conv(benchmark::State& state, Precision precision) {
  const int64_t T = state.range(0), in = state.range(1), out = 512, stride = state.range(2);
  const auto x = normals(Shape{1, T, in}, "x"), W = normals(Shape{out, in, 3}, "W");
  const auto b = normals(Shape{out}, "b");
  const Conv1d layer(W, b, static_cast<int>(stride), precision);
  Tensor<float> y(Shape{1, (T + stride - 1) / stride, out});
  for (auto _ : state) layer.forward(x, y);
  work(state, 6.0 * static_cast<double>(y.size() * in), 0);
}

#define BOTH(name, args)                       \
  BENCHMARK_CAPTURE(name, f32, Precision::f32) \
      ->args->Unit(benchmark::kMillisecond)    \
      ->UseRealTime();                         \
  BENCHMARK_CAPTURE(name, bf16, Precision::bf16)->args->Unit(benchmark::kMillisecond)->UseRealTime()

BOTH(linear, ArgNames({"M", "K", "N"})
                 ->Args({1500, 512, 2048})
                 ->Args({1500, 2048, 512})
                 ->Args({1500, 512, 512})
                 ->Args({4096, 512, 4096})
                 ->Args({1, 512, 512})
                 ->Args({1, 512, 51865})
                 ->Args({20, 512, 2048})
                 ->Args({100, 512, 51865}));
BOTH(gemm, ArgNames({"M", "K", "N"})->Args({4096, 512, 4096})->Args({1500, 512, 2048}));
BOTH(scores, ArgNames({"n", "T"})->Args({8, 1500}));
BOTH(mix, ArgNames({"n", "T"})->Args({8, 1500}));
BOTH(conv, ArgNames({"T", "in", "stride"})->Args({3000, 80, 1})->Args({3000, 512, 2}));

}  // namespace
}  // namespace otoscope::kernels
