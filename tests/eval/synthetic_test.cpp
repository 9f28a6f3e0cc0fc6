#include "otoscope/eval/synthetic.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "eval/synthetic_bench.h"
#include "otoscope/core/threads.h"

namespace otoscope::eval {
namespace {

SyntheticOptions small() {
  SyntheticOptions options;
  options.features = 256;
  options.width = 48;
  options.roots = 4;
  options.depth = 2;
  return options;
}

}  // namespace

TEST_CASE("the generator keeps its rates, its forest and its exclusions") {
  const Synthetic truth(small());
  CHECK(truth.parent(3) == -1);
  CHECK(truth.parent(4) == 0);
  CHECK(truth.parent(7) == 0);
  CHECK(truth.parent(8) == 1);
  CHECK(truth.parent(20) == 4);  // the first grandchild
  CHECK(truth.parent(83) == 19);
  CHECK(truth.parent(84) == -1);  // free

  constexpr int64_t kRows = 40000;
  Tensor<float> x(Shape{kRows, 48});
  SparseRows active;
  truth.rows(7, 0, x, &active);
  std::vector<double> rate(256, 0.0);
  for (int64_t b = 0; b < kRows; ++b) {
    std::vector<int64_t> parents;
    const auto begin = active.indices.begin() + active.indptr[static_cast<size_t>(b)];
    const auto end = active.indices.begin() + active.indptr[static_cast<size_t>(b) + 1];
    for (auto i = begin; i != end; ++i) {
      rate[static_cast<size_t>(*i)] += 1.0 / kRows;
      const int64_t up = truth.parent(*i);
      if (up < 0) continue;
      REQUIRE(std::binary_search(begin, end, up));
      parents.push_back(up);
    }
    std::sort(parents.begin(), parents.end());
    REQUIRE(std::adjacent_find(parents.begin(), parents.end()) == parents.end());
  }
  // Roots and free features fire by their own rate, within 5 standard errors.
  for (const int64_t i : {0, 1, 3, 84, 150, 255}) {
    const double want = truth.rates()[static_cast<size_t>(i)];
    CHECK(std::fabs(rate[static_cast<size_t>(i)] - want) <
          5 * std::sqrt(want * (1 - want) / kRows) + 1e-4);
  }
  // Children nearly so: their compensation is of first order.
  for (const int64_t i : {4, 9, 30})
    CHECK(rate[static_cast<size_t>(i)] ==
          doctest::Approx(truth.rates()[static_cast<size_t>(i)]).epsilon(.3));
}

TEST_CASE("a row depends on its number alone, and is the sum of its directions") {
  const Synthetic truth(small());
  Tensor<float> whole(Shape{300, 48}), part(Shape{7, 48});
  SparseRows active;
  const int before = threads();
  truth.rows(1, 0, whole, &active);
  set_threads(3);
  truth.rows(1, 130, part, nullptr);
  set_threads(before);
  CHECK_CLOSE(part.view(), whole.view().slice(130, 137), 1e-6);
  // Two rows differ by what is active in them: the offset is common.
  Tensor<float> built(Shape{48});
  for (const int64_t b : {5, 6})
    for (int64_t e = active.indptr[static_cast<size_t>(b)];
         e < active.indptr[static_cast<size_t>(b) + 1]; ++e)
      for (int64_t j = 0; j < 48; ++j)
        built[j] += (b == 5 ? 1.0f : -1.0f) * active.values[static_cast<size_t>(e)] *
                    truth.directions().at(active.indices[static_cast<size_t>(e)], j);
  Tensor<float> difference(Shape{48});
  for (int64_t j = 0; j < 48; ++j) difference[j] = whole.at(5, j) - whole.at(6, j);
  CHECK_CLOSE(difference.view(), built.view(), 1e-5);
}

TEST_CASE("recovery of the truth itself is perfect") {
  const Synthetic truth(small());
  // An SAE that knows the directions but not the code: only its geometry is right.
  sae::Sae sae;
  sae.W_enc = Tensor<float>(Shape{100, 48});
  sae.W_dec = Tensor<float>::copy_of(truth.directions().view().slice(0, 100));
  sae.b_enc = Tensor<float>(Shape{100});
  sae.b_dec = Tensor<float>(Shape{48});
  for (int64_t f = 0; f < 100; ++f) sae.b_enc[f] = -1;  // never fires
  const Recovery r = measure_recovery(sae, truth, 500);
  CHECK(r.mcc == doctest::Approx(1).epsilon(1e-5));
  CHECK(r.uniqueness == 1.0);
  CHECK(r.f1 == 0.0);
  CHECK(r.l0 == 0.0);
  for (int64_t f = 0; f < 100; ++f) sae.b_enc[f] = 1;  // always fires
  const Recovery always = measure_recovery(sae, truth, 500);
  CHECK(always.l0 == 100.0);
  CHECK(always.recall > .5);  // of the rare ones, some are never active in 500 rows
  CHECK(always.precision < .1);
}

TEST_CASE("reduced SynthSAEBench: frozen values and the published order") {
  testing::Bench bench;
  bench.data = small();
  bench.latents = 96;
  bench.k = 3;
  bench.batch = 512;
  bench.rows = 500000;
  bench.lr = 3e-3;
  bench.sparsity = 3.5;
  const testing::BenchResult r = testing::run_bench(bench);
  testing::check_order(r);
  testing::check_recovery(r.batchtopk, .683, .803, .816, 3.00);
  testing::check_recovery(r.matryoshka, .722, .819, .783, 3.00);
  testing::check_recovery(r.relu, .553, .707, .631, 2.98);
}

}  // namespace otoscope::eval
