#include <doctest/doctest.h>

#include "eval/synthetic_bench.h"

namespace otoscope::eval {

TEST_CASE("SynthSAEBench with 1,024 features: frozen values and the published order") {
  testing::Bench bench;
  bench.latents = 256;
  bench.k = 8;
  bench.batch = 1024;
  bench.rows = 1000000;
  bench.lr = 1.2e-2;
  bench.sparsity = 2;
  const testing::BenchResult r = testing::run_bench(bench);
  for (const Recovery* one : {&r.batchtopk, &r.matryoshka, &r.relu, &r.frozen})
    MESSAGE("F1 " << one->f1 << " MCC " << one->mcc << " EV " << one->ev << " L0 " << one->l0);
  testing::check_order(r);
  testing::check_recovery(r.batchtopk, .530, .727, .852, 7.98);
  testing::check_recovery(r.matryoshka, .648, .729, .829, 8.02);
  testing::check_recovery(r.relu, .461, .650, .781, 5.10);
}

}  // namespace otoscope::eval
