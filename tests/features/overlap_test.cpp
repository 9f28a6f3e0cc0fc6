#include "otoscope/features/overlap.h"

#include <doctest/doctest.h>

#include "otoscope/core/rng.h"
#include "otoscope/core/threads.h"

namespace otoscope::features {
namespace {

SparseRows rows_of(const std::vector<std::vector<int32_t>>& lists) {
  SparseRows codes;
  for (const auto& list : lists) {
    for (const int32_t j : list) codes.indices.push_back(j), codes.values.push_back(1);
    codes.indptr.push_back(codes.nnz());
  }
  return codes;
}

SparseRows random_codes(int64_t rows, int64_t F, double rate, uint64_t seed) {
  Rng rng(seed, "codes");
  std::vector<std::vector<int32_t>> lists(static_cast<size_t>(rows));
  for (auto& list : lists)
    for (int32_t j = 0; j < F; ++j)
      if (rng.uniform() < rate) list.push_back(j);
  return rows_of(lists);
}

}  // namespace

TEST_CASE("the best overlap by hand: shared rows over all rows") {
  const SparseRows a = rows_of({{0, 1}, {0}, {1}, {2}, {}});
  const SparseRows b = rows_of({{0}, {0, 1}, {0}, {}, {1}});
  const BestOverlap best = best_overlap(a, 3, b, 2);
  CHECK(best.partner == std::vector<int32_t>{0, 0, -1});
  CHECK(best.iou[0] == doctest::Approx(2.0 / 3));
  CHECK(best.iou[1] == doctest::Approx(2.0 / 3));
  CHECK(best.iou[2] == 0);
}

TEST_CASE("counts by cluster add up to the overlap, for every pair") {
  const SparseRows a = random_codes(200, 12, 0.2, 1), b = random_codes(200, 9, 0.3, 2);
  std::vector<int32_t> cluster;
  for (int i = 0; i < 200; ++i) cluster.push_back(i / 40);
  const BestOverlap best = best_overlap(a, 12, b, 9);
  const PairCounts counts = count_pairs(a, 12, b, best.partner, cluster, 5);
  for (size_t f = 0; f < 12; ++f) CHECK(counts.iou(f) == doctest::Approx(best.iou[f]));
  // No other partner is better.
  for (int32_t j = 0; j < 9; ++j) {
    const std::vector<int32_t> fixed(12, j);
    const PairCounts other = count_pairs(a, 12, b, fixed, cluster, 5);
    for (size_t f = 0; f < 12; ++f) CHECK(other.iou(f) <= best.iou[f] + 1e-12);
  }
}

TEST_CASE("overlaps do not depend on the number of threads") {
  const SparseRows a = random_codes(500, 100, 0.1, 3), b = random_codes(500, 80, 0.1, 4);
  set_threads(1);
  const BestOverlap one = best_overlap(a, 100, b, 80);
  set_threads(3);
  const BestOverlap three = best_overlap(a, 100, b, 80);
  set_threads(0);
  CHECK(one.partner == three.partner);
  CHECK(one.iou == three.iou);
}

TEST_CASE("rotated rows keep every row and break the pairing") {
  const SparseRows a = rows_of({{0}, {1, 2}, {}, {3}});
  const SparseRows moved = rotated_rows(a, 1);
  CHECK(moved.indptr == std::vector<int64_t>{0, 1, 2, 4, 4});
  CHECK(moved.indices == std::vector<int32_t>{3, 0, 1, 2});
  const SparseRows back = rotated_rows(moved, -1);
  CHECK(back.indices == a.indices);
  CHECK(back.indptr == a.indptr);
}

}  // namespace otoscope::features
