#pragma once
#include <benchmark/benchmark.h>

#include <string_view>

#include "otoscope/core/rng.h"
#include "otoscope/core/tensor.h"

namespace otoscope {

inline Tensor<float> normals(Shape shape, std::string_view name) {
  Rng rng(1, name);
  Tensor<float> x(shape);
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(rng.normal());
  return x;
}

/// What one iteration does, for rates beside the times.
inline void work(benchmark::State& state, double flop, double bytes) {
  using Counter = benchmark::Counter;
  const auto rate = Counter::kIsIterationInvariantRate;
  if (flop > 0) state.counters["GFLOP/s"] = Counter(flop * 1e-9, rate);
  if (bytes > 0) state.counters["GB/s"] = Counter(bytes * 1e-9, rate);
}

}  // namespace otoscope
