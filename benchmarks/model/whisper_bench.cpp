/// A Whisper of base's sizes with random weights (denormals apart, which real ones make and which
/// the program takes for zero, speed does not depend on them): the encoder on one window against
/// the products that it cannot do without, a hook that listens to nothing near, and a decode step.

#include <algorithm>
#include <chrono>
#include <map>

#include "model/decoder.h"
#include "model/encoder.h"
#include "otoscope/core/threads.h"
#include "otoscope/kernels/packed_right.h"
#include "otoscope/model/cache.h"
#include "support/work.h"

namespace otoscope::model {
namespace {

const Weights& base(Precision precision) {
  static std::map<Precision, Weights> known;
  const auto found = known.find(precision);
  if (found != known.end()) return found->second;
  Checkpoint checkpoint;  // Dims are base's by default
  for (const ExpectedTensor& tensor : expected_tensors(checkpoint.dims)) {
    Tensor<float> x = normals(tensor.shape, tensor.name);
    for (float& v : x.view().span()) v *= 0.02f;
    checkpoint.tensors.emplace(tensor.name, std::move(x));
  }
  return known.emplace(precision, pack_weights(std::move(checkpoint), precision, silent_progress()))
      .first->second;
}

struct Run {
  const Weights& w;
  HookTable table;
  FilledRows rows;
  Tensor<float> mel = normals({1, 3000, 80}, "mel");

  explicit Run(Precision precision, Hooks hooks = {})
      : w(base(precision)),
        table(w.dims, hooks),
        rows({}, Pass::encoder, 1, w.dims.n_audio_ctx, 0, -1) {}
  Tensor<float> operator()() const {
    return run_encoder(w, {table, Stack::encoder, rows.rows(), {}}, mel);
  }
};

/// Multiply-adds of one window, times two: convolutions, products of the blocks, attention.
double encoder_flop(const Dims& dims) {
  const double T = dims.n_audio_ctx, d = dims.n_audio_state, L = dims.n_audio_layer;
  const double conv = 2 * T * d * 3 * dims.n_mels + T * d * 3 * d;
  return 2 * (conv + L * (12 * T * d * d + 2 * T * T * d));
}

void encoder(benchmark::State& state, Precision precision) {
  const Run run(precision);
  for (auto _ : state) benchmark::DoNotOptimize(run().data());
  work(state, encoder_flop(run.w.dims), 0);
}

/// The same products alone, one layer of each kind as often as the encoder has it.
void encoder_floor(benchmark::State& state, Precision precision) {
  const Weights& w = base(precision);
  const int64_t T = w.dims.n_audio_ctx, d = w.dims.n_audio_state, H = w.dims.n_audio_head;
  const Tensor<float> mel = normals({1, 2 * T, w.dims.n_mels}, "mel");
  const Tensor<float> x = normals({T, d}, "x"), wide = normals({T, 4 * d}, "wide");
  constexpr int64_t kRows = 128;  // of a piece of attention, made by one thread
  const Tensor<float> q = normals({kRows, d / H}, "q"), k = normals({T, d / H}, "k");
  const kernels::PackedRight keys({k, true}, precision), values({k}, precision);
  Tensor<float> conv({1, 2 * T, d}), y({T, d}), y_wide({T, 4 * d}), embed({1, T, d});
  for (auto _ : state) {
    w.conv1.forward(mel, conv);
    w.conv2.forward(conv, embed);
    for (const BlockWeights& b : w.encoder) {
      for (const auto* linear : {&b.attn.query, &b.attn.key, &b.attn.value, &b.attn.out})
        linear->forward(x, y);
      parallel_ranges(H * (T + kRows - 1) / kRows, 1, [&](int64_t begin, int64_t end) {
        thread_local Tensor<float> scores, z;
        if (scores.empty()) scores = Tensor<float>({kRows, T}), z = Tensor<float>({kRows, d / H});
        for (int64_t piece = begin; piece < end; ++piece) {
          keys.multiply(q, scores);
          values.multiply(scores, z);
        }
      });
      b.mlp.up.forward(x, y_wide);
      b.mlp.down.forward(wide, y);
    }
  }
  work(state, encoder_flop(w.dims), 0);
}

/// Pairs of runs, without hooks and with one that wants a site of the decoder only: the median of
/// their ratios is what listening costs where nobody listens.
void no_listener(benchmark::State& state) {
  struct Elsewhere : Hook {
    Want ask(const Site& site) override {
      return site.point == Point::logits ? Want::observe : Want::none;
    }
  } elsewhere;
  Hook* const hooks[] = {&elsewhere};
  const Run plain(Precision::f32), hooked(Precision::f32, hooks);
  const auto seconds = [](const Run& run) {
    const auto start = std::chrono::steady_clock::now();
    benchmark::DoNotOptimize(run().data());
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  std::vector<double> ratios;
  for (auto _ : state) {
    // The order alternates, so that a machine that warms up or slows down favours neither.
    const bool first = ratios.size() % 2 == 0;
    const double a = seconds(first ? plain : hooked), b = seconds(first ? hooked : plain);
    ratios.push_back(first ? b / a : a / b);
  }
  std::sort(ratios.begin(), ratios.end());
  state.counters["median_ratio"] = ratios[ratios.size() / 2];
}

/// One new token for each of B rows at position 20.
void decode_step(benchmark::State& state, Precision precision) {
  const Weights& w = base(precision);
  const int64_t B = state.range(0);
  const HookTable table(w.dims, {});
  const FilledRows rows({}, Pass::decoder_cached, B, 1, 20, 1);
  const Probe probe{table, Stack::decoder, rows.rows(), {}};
  const Tensor<float> audio = normals({B, w.dims.n_audio_ctx, w.dims.n_audio_state}, "audio");
  KvCache cache = DecoderPass::make_cache(w, probe, audio, 64);
  DecoderPass pass(w, probe);
  pass.step(cache, Tensor<int64_t>({B, 20}), false);
  const Tensor<int64_t> token({B, 1});
  for (auto _ : state) {
    benchmark::DoNotOptimize(pass.step(cache, token, false).data());
    cache.truncate(20);
  }
  state.counters["tokens/s"] =
      benchmark::Counter(static_cast<double>(B), benchmark::Counter::kIsIterationInvariantRate);
}

#define BOTH(name)                                                                            \
  BENCHMARK_CAPTURE(name, f32, Precision::f32)->Unit(benchmark::kMillisecond)->UseRealTime(); \
  BENCHMARK_CAPTURE(name, bf16, Precision::bf16)->Unit(benchmark::kMillisecond)->UseRealTime()

BOTH(encoder);
BOTH(encoder_floor);
BENCHMARK(no_listener)->Iterations(21)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(decode_step, f32, Precision::f32)
    ->ArgName("B")
    ->Arg(1)
    ->Arg(5)
    ->Arg(16)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace otoscope::model
