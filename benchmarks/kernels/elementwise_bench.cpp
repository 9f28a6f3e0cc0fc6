#include "otoscope/kernels/elementwise.h"

#include "support/work.h"

namespace otoscope::kernels {
namespace {

double bytes(int64_t n, int arrays) { return 4.0 * arrays * static_cast<double>(n); }

void layer_norm(benchmark::State& state) {
  const auto x = normals(Shape{1500, 512}, "x"), g = normals(Shape{512}, "g");
  Tensor<float> y(x.shape()), scale(Shape{1500});
  for (auto _ : state) kernels::layer_norm(x, g, g, y, scale);
  work(state, 0, bytes(x.size(), 2));
}

void gelu(benchmark::State& state) {
  auto x = normals(Shape{1500, 2048}, "x");
  Tensor<float> y(x.shape());
  for (auto _ : state) kernels::gelu(x, y);
  work(state, 0, bytes(x.size(), 2));
}

void gelu_vjp(benchmark::State& state) {
  auto x = normals(Shape{1500, 2048}, "x");
  Tensor<float> dx(x.shape());
  for (auto _ : state) kernels::gelu_vjp(x, x, dx);
  work(state, 0, bytes(x.size(), 3));
}

void softmax(benchmark::State& state) {
  const auto x = normals(Shape{8, 1500, 1500}, "x");
  Tensor<float> y(x.shape());
  for (auto _ : state) kernels::softmax(x, y);
  work(state, 0, bytes(x.size(), 2));
}

void log_softmax(benchmark::State& state) {
  const auto x = normals(Shape{20, 51865}, "x");
  Tensor<float> y(x.shape());
  for (auto _ : state) kernels::log_softmax(x, y);
  work(state, 0, bytes(x.size(), 2));
}

BENCHMARK(layer_norm)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(gelu)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(gelu_vjp)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(softmax)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(log_softmax)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
}  // namespace otoscope::kernels
