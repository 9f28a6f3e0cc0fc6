/// Whole training steps: forward, backward, AuxK's state, projection, clipping, Adam, unit rows.
/// `fvu` is measured on 8,192 held-out rows after 200 steps, so that a time can be compared with a
/// peer's (benchmarks/peers/sae_step.py) only where both learn the same. OTOSCOPE_BENCH_ROWS names
/// a safetensors file with `activations` (n, d), as that script writes; without it rows are made
/// here.
#include <cmath>
#include <cstdlib>

#include "otoscope/io/safetensors.h"
#include "otoscope/kernels/elementwise.h"
#include "otoscope/kernels/rows.h"
#include "otoscope/sae/loss.h"
#include "sae/train/optimizer.h"
#include "support/work.h"

namespace otoscope::sae {
namespace {

constexpr int64_t kBatch = 4096, kHeldOut = 8192, kSteps = 200;

Tensor<float> made_rows() {
  constexpr int64_t kRows = 32768 + kHeldOut, kWidth = 512, kTrue = 2000, kActive = 30;
  Tensor<float> directions = normals(Shape{kTrue, kWidth}, "directions");
  kernels::normalize_rows(directions);
  Tensor<float> x = normals(Shape{kRows, kWidth}, "noise");
  Rng rng(1, "codes");
  for (int64_t b = 0; b < kRows; ++b) {
    for (int64_t i = 0; i < kWidth; ++i) x.at(b, i) *= 0.1f;
    for (int64_t n = 0; n < kActive; ++n) {
      const double u = rng.uniform();  // squared: some directions are common, most are rare
      const auto f = static_cast<int64_t>(u * u * kTrue);
      const auto size = static_cast<float>(rng.uniform(3.0, 6.0));
      for (int64_t i = 0; i < kWidth; ++i) x.at(b, i) += size * directions.at(f, i);
    }
  }
  return x;
}

const Tensor<float>& rows() {
  static const Tensor<float> all = [] {
    const char* file = std::getenv("OTOSCOPE_BENCH_ROWS");
    Tensor<float> x =
        file != nullptr ? io::Safetensors::open(file).floats("activations") : made_rows();
    const double scale =
        std::sqrt(static_cast<double>(x.shape()[0]) / kernels::squared_norm(x.view()));
    for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(x[i] * scale);
    return x;
  }();
  return all;
}

struct Training {
  Sae sae;
  std::unique_ptr<Gradients> gradients;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<Loss> loss;
  StepState state;
  int64_t t = 0;

  Training(const std::string& architecture, int64_t F, int64_t k) {
    const int64_t d = rows().shape()[1];
    sae.W_dec = normals(Shape{F, d}, "W_dec");
    kernels::normalize_rows(sae.W_dec);
    sae.W_enc = sae.W_dec.clone();
    sae.b_enc = Tensor<float>(Shape{F});
    sae.b_dec = Tensor<float>(Shape{d});
    if (architecture == "jumprelu") {
      sae.threshold = Tensor<float>(Shape{F});
      std::fill_n(sae.threshold.data(), F, 0.1f);
    }
    for (int64_t b = 0; b < kBatch; ++b)
      for (int64_t i = 0; i < d; ++i) sae.b_dec[i] += rows().at(b, i) / kBatch;
    LossOptions options;
    options.architecture = architecture;
    options.k = k;
    loss = make_loss(options, d, d, F);
    gradients = std::make_unique<Gradients>(sae);
    optimizer = std::make_unique<Optimizer>(sae, *gradients, loss->unit_norm());
    state.measure = false;
  }

  void step() {
    const int64_t batches = (rows().shape()[0] - kHeldOut) / kBatch, i = t % batches;
    const View<const float> x = rows().view().slice(i * kBatch, (i + 1) * kBatch);
    loss->run(sae, x, x, state, *gradients);
    kernels::AdamOptions adam;
    adam.lr = 4e-4;
    optimizer->step(++t, adam, 1.0);
  }

  double fvu(int64_t k) {
    sae.activation = Activation::topk, sae.k = k;
    const View<const float> x =
        rows().view().slice(rows().shape()[0] - kHeldOut, rows().shape()[0]);
    Tensor<float> xhat(x.shape);
    Encoder(sae).reconstruct(x, xhat);
    double error = 0, spread = 0;
    for (int64_t i = 0; i < x.width(); ++i) {
      double mean = 0;
      for (int64_t b = 0; b < kHeldOut; ++b) mean += x.at(b, i) / static_cast<double>(kHeldOut);
      for (int64_t b = 0; b < kHeldOut; ++b) {
        error += std::pow(x.at(b, i) - xhat.at(b, i), 2);
        spread += std::pow(x.at(b, i) - mean, 2);
      }
    }
    return error / spread;
  }
};

void step(benchmark::State& state, const char* architecture) {
  const int64_t F = state.range(0), k = state.range(1);
  Training training(architecture, F, k);
  const bool learns = state.range(2) != 0;
  for (int64_t i = 0; i < (learns ? kSteps : 3); ++i) training.step();
  if (learns) state.counters["fvu"] = training.fvu(k);
  for (auto _ : state) training.step();
  const auto d = static_cast<double>(rows().shape()[1]), all = static_cast<double>(kBatch);
  work(state, all * (2.0 * static_cast<double>(F) * d + 8.0 * d * static_cast<double>(k)), 0);
}

BENCHMARK_CAPTURE(step, topk, "topk")
    ->Args({4096, 32, 0})
    ->Args({4096, 32, 1})
    ->Args({16384, 45, 0})
    ->Name("sae/step/topk")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(step, batchtopk, "batchtopk")
    ->Args({4096, 32, 0})
    ->Name("sae/step/batchtopk")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(step, matryoshka, "matryoshka")
    ->Args({4096, 32, 0})
    ->Name("sae/step/matryoshka")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(step, jumprelu, "jumprelu")
    ->Args({4096, 32, 0})
    ->Name("sae/step/jumprelu")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace otoscope::sae
