#pragma once
/// A reduced SynthSAEBench: a grid trained in one pass over fresh rows, then measured.

#include <initializer_list>
#include <string>
#include <vector>

#include "otoscope/eval/recovery.h"
#include "otoscope/sae/train.h"
#include "support/close.h"

namespace otoscope::testing {

struct Bench {
  eval::SyntheticOptions data;
  int64_t latents = 0, k = 0, batch = 0, rows = 0;
  double lr = 0, sparsity = 0;  // sparsity: of ReLU with L1, for about the same L0
};

/// BatchTopK, Matryoshka, ReLU with L1, and BatchTopK with a frozen random decoder.
struct BenchResult {
  eval::Recovery batchtopk, matryoshka, relu, frozen;
};

inline BenchResult run_bench(const Bench& bench) {
  const eval::Synthetic truth(bench.data);
  const eval::SyntheticBatches batches(truth, bench.rows);
  sae::TrainData data;
  data.input = &batches;
  sae::TrainOptions options;
  options.latents = bench.latents;
  options.k = bench.k;
  options.batch = bench.batch;
  options.steps = bench.rows / bench.batch;
  options.lr = bench.lr;
  options.seed_data = 1;
  std::vector<sae::TrainOptions> grid(4, options);
  grid[1].arch = "matryoshka";
  for (const int64_t part : {16, 4, 2, 1})
    grid[1].prefixes.push_back(static_cast<int>(bench.latents / part));
  grid[2].arch = "relu";
  grid[2].sparsity = bench.sparsity;
  grid[3].freeze_decoder = true;
  const TemporaryFolder folder;
  const auto done = sae::train(grid, data, folder.path(), {}, silent_progress());
  const auto measured = [&](size_t i) {
    return eval::measure_recovery(sae::load(done[i].folder), truth, 20000);
  };
  return {measured(0), measured(1), measured(2), measured(3)};
}

/// |got - frozen| within what another instruction set or order of sums may do to a training.
inline void check_recovery(const eval::Recovery& got, double f1, double mcc, double ev, double l0) {
  CHECK(got.f1 == doctest::Approx(f1).epsilon(.08));
  CHECK(got.mcc == doctest::Approx(mcc).epsilon(.05));
  CHECK(got.ev == doctest::Approx(ev).epsilon(.03));
  CHECK(got.l0 == doctest::Approx(l0).epsilon(.08));
}

/// The published order: Matryoshka > BatchTopK > L1 in F1, BatchTopK > Matryoshka > L1 in EV; and a
/// random decoder explains variance without finding anything.
inline void check_order(const BenchResult& r) {
  CHECK(r.matryoshka.f1 > r.batchtopk.f1);
  CHECK(r.batchtopk.f1 > r.relu.f1);
  CHECK(r.batchtopk.ev > r.matryoshka.ev);
  CHECK(r.matryoshka.ev > r.relu.ev);
  CHECK(r.batchtopk.mcc > r.relu.mcc);
  CHECK(r.frozen.ev > .3);
  CHECK(r.frozen.f1 < .1);
}

}  // namespace otoscope::testing
