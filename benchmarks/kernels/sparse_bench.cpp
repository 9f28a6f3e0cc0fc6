/// The parts of a TopK training step, d = 512 and a batch of 4,096.
#include "otoscope/kernels/sparse.h"

#include "otoscope/kernels/adam.h"
#include "otoscope/kernels/elementwise.h"
#include "otoscope/kernels/gemm.h"
#include "otoscope/kernels/screened.h"
#include "support/work.h"

namespace otoscope::kernels {
namespace {

constexpr int64_t kBatch = 4096, kWidth = 512;

/// Pre-activations as an encoder gives them: one product, so that rows and features differ in size.
struct Step {
  int64_t F, k;
  Tensor<float> x, W, pre;
  SparseRows z;

  explicit Step(const benchmark::State& state) : F(state.range(0)), k(state.range(1)) {
    x = normals(Shape{kBatch, kWidth}, "x"), W = normals(Shape{F, kWidth}, "W");
    pre = Tensor<float>(Shape{kBatch, F});
    gemm({x}, transposed(W), pre);
    kernels::top_k(pre, k, z);
  }
  double row_bytes() const { return 4.0 * static_cast<double>(z.nnz() * kWidth); }
};

void top_k(benchmark::State& state) {
  Step step(state);
  for (auto _ : state) kernels::top_k(step.pre, step.k, step.z);
  work(state, 0, 4.0 * static_cast<double>(step.pre.size()));
}

void batch_top_k(benchmark::State& state) {
  Step step(state);
  for (auto _ : state) kernels::batch_top_k(step.pre, step.k, step.z);
  work(state, 0, 4.0 * static_cast<double>(step.pre.size()));
}

void above_threshold(benchmark::State& state) {
  Step step(state);
  Tensor<float> threshold(Shape{step.F});
  for (int64_t f = 0; f < step.F; ++f) threshold[f] = 55;  // about 1 % of a normal of size 22
  for (auto _ : state) kernels::above_threshold(step.pre, threshold, step.z);
  work(state, 0, 4.0 * static_cast<double>(step.pre.size()));
}

void decode(benchmark::State& state) {
  Step step(state);
  Tensor<float> y(step.x.shape());
  for (auto _ : state) sparse_decode(step.z, step.W, {}, y);
  work(state, step.row_bytes() / 2, step.row_bytes());
}

void decode_vjp_values(benchmark::State& state) {
  Step step(state);
  std::vector<float> dval;
  for (auto _ : state) sparse_decode_vjp_values(step.z, step.W, step.x, dval);
  work(state, step.row_bytes() / 2, step.row_bytes());
}

void columns(benchmark::State& state) {
  Step step(state);
  for (auto _ : state) benchmark::DoNotOptimize(transpose(step.z, step.F));
}

void outer(benchmark::State& state) {
  Step step(state);
  const SparseColumns columns_of = transpose(step.z, step.F);
  Tensor<float> dW(step.W.shape());
  for (auto _ : state) sparse_outer(columns_of, step.z.values, step.x, dW);
  work(state, step.row_bytes() / 2, step.row_bytes());
}

void adam(benchmark::State& state) {
  Step step(state);
  const auto rows = touched_rows(transpose(step.z, step.F));
  const View<const int32_t> list(rows.data(), Shape{static_cast<int64_t>(rows.size())});
  Tensor<float> G(step.W.shape()), M(step.W.shape()), V(step.W.shape());
  int64_t t = 0;
  for (auto _ : state) adam_step_rows(step.W, G, M, V, list, ++t, {}, 1.0f, true);
  work(state, 0, 4.0 * 8 * static_cast<double>(G.size()));
}

/// From rows to codes with a weight that has just changed: pack, multiply, select.
void encode_plain(benchmark::State& state) {
  Step step(state);
  for (auto _ : state) {
    const Linear encoder(step.W, {});
    encoder.forward(step.x, step.pre);
    kernels::top_k(step.pre, step.k, step.z);
  }
  work(state, 2.0 * static_cast<double>(step.pre.size() * kWidth), 0);
}

void encode_screened(benchmark::State& state) {
  Step step(state);
  int64_t decided = 0;
  for (auto _ : state) decided = ScreenedTopK(step.W, {}).top_k(step.x, step.k, step.z);
  work(state, 2.0 * static_cast<double>(step.pre.size() * kWidth), 0);
  state.counters["candidates"] = static_cast<double>(decided) / kBatch;
}

void encode_screened_batch(benchmark::State& state) {
  Step step(state);
  int64_t decided = 0;
  for (auto _ : state) decided = ScreenedTopK(step.W, {}).batch_top_k(step.x, step.k, step.z);
  work(state, 2.0 * static_cast<double>(step.pre.size() * kWidth), 0);
  state.counters["candidates"] = static_cast<double>(decided) / kBatch;
}

#define SIZES                         \
  ArgNames({"F", "k"})                \
      ->Args({4096, 32})              \
      ->Args({16384, 45})             \
      ->Unit(benchmark::kMillisecond) \
      ->UseRealTime()
BENCHMARK(top_k)->SIZES;
BENCHMARK(batch_top_k)->SIZES;
BENCHMARK(above_threshold)->SIZES;
BENCHMARK(decode)->SIZES;
BENCHMARK(decode_vjp_values)->SIZES;
BENCHMARK(columns)->SIZES;
BENCHMARK(outer)->SIZES;
BENCHMARK(adam)->SIZES;
BENCHMARK(encode_plain)->SIZES;
BENCHMARK(encode_screened)->SIZES;
BENCHMARK(encode_screened_batch)->SIZES;

}  // namespace
}  // namespace otoscope::kernels
