#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "otoscope/store/store.h"
#include "store/permutation.h"
#include "store/synthetic.h"
#include "support/close.h"

using namespace otoscope;
using store::Permutation;
using store::Split;

TEST_CASE("a permutation gives every number once, whatever n is") {
  for (const int64_t n : {1, 2, 3, 4, 5, 7, 16, 17, 100, 1000, 4097}) {
    const Permutation order(n, 3);
    std::vector<bool> seen(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) {
      const int64_t value = order(i);
      REQUIRE((value >= 0 && value < n));
      CHECK(!seen[static_cast<size_t>(value)]);
      seen[static_cast<size_t>(value)] = true;
    }
  }
}

TEST_CASE("a permutation of hundreds of millions needs no memory and looks random") {
  const int64_t n = 300'000'007;
  const Permutation order(n, 9), other(n, 10);
  double sum = 0, product = 0, previous = 0.5;
  int same = 0;
  const int draws = 100000;
  for (int64_t i = 0; i < draws; ++i) {
    const double value = static_cast<double>(order(i)) / static_cast<double>(n);
    sum += value;
    product += (value - 0.5) * (previous - 0.5);
    previous = value;
    same += order(i) == other(i) ? 1 : 0;
  }
  // uniform: mean .5 with sd 1/sqrt(12 n); neighbours uncorrelated with sd 1/(12 sqrt(n))
  CHECK(std::fabs(sum / draws - 0.5) < 5 / std::sqrt(12.0 * draws));
  CHECK(std::fabs(product / draws) < 5 / (12 * std::sqrt(static_cast<double>(draws))));
  CHECK(same < 5);
}

TEST_CASE("small permutations take all orders about equally often") {
  std::map<std::vector<int64_t>, int> counts;
  const int draws = 24000;
  for (int key = 0; key < draws; ++key) {
    const Permutation order(4, static_cast<uint64_t>(key));
    ++counts[{order(0), order(1), order(2), order(3)}];
  }
  // A Feistel network is an even permutation or any: all 24 must occur, none too often.
  CHECK(counts.size() == 24);
  for (const auto& entry : counts) CHECK(std::abs(entry.second - 1000) < 400);
}

TEST_CASE("an epoch of batches is every row of the split once, then another order") {
  const testing::TemporaryFolder folder;
  const auto made = testing::synthetic(80, 3);
  store::write_store(folder.path() / "s", made.header, made.items, made.origins, made.x.view(), 64);
  const auto opened = store::Store::open(folder.path() / "s");
  const auto train = opened.rows_of(Split::train);
  const auto n = static_cast<int64_t>(train.size());
  const int64_t batch = 16;
  const store::Shuffled shuffled(opened, Split::train, batch, 5);
  CHECK(shuffled.rows_per_epoch() == n);
  std::vector<int64_t> drawn, rows;
  Tensor<float> x({batch, 3});
  for (int64_t i = 0; i * batch < 2 * n; ++i) {
    shuffled.batch(i, x.view(), &rows);
    for (int64_t r = 0; r < batch; ++r)
      for (int64_t j = 0; j < 3; ++j)
        CHECK(x.at(r, j) == made.x.at(rows[static_cast<size_t>(r)], j));
    drawn.insert(drawn.end(), rows.begin(), rows.end());
  }
  std::vector<int64_t> first(drawn.begin(), drawn.begin() + n);
  std::vector<int64_t> second(drawn.begin() + n, drawn.begin() + 2 * n);
  CHECK(first != second);
  for (auto epoch : {first, second}) {
    std::sort(epoch.begin(), epoch.end());
    CHECK(epoch == train);
  }

  std::vector<int64_t> again;
  const store::Shuffled same(opened, Split::train, batch, 5), other(opened, Split::train, batch, 6);
  same.batch(3, x.view(), &again);
  CHECK(again == std::vector<int64_t>(drawn.begin() + 48, drawn.begin() + 64));
  other.batch(3, x.view(), &again);
  CHECK(again != std::vector<int64_t>(drawn.begin() + 48, drawn.begin() + 64));
}

TEST_CASE("a batch mixes the utterances") {
  const testing::TemporaryFolder folder;
  const auto made = testing::synthetic(400, 2);
  store::write_store(folder.path() / "s", made.header, made.items, made.origins, made.x.view());
  const auto opened = store::Store::open(folder.path() / "s");
  const store::Shuffled shuffled(opened, Split::all, 64, 1);
  Tensor<float> x({64, 2});
  std::vector<int64_t> rows;
  shuffled.batch(0, x.view(), &rows);
  std::set<int32_t> items;
  for (const int64_t row : rows) items.insert(opened.origin(row).item);
  CHECK(items.size() > 50);
}

TEST_CASE("a batch larger than the split goes through it more than once") {
  const testing::TemporaryFolder folder;
  const auto made = testing::synthetic(5, 2);
  store::write_store(folder.path() / "s", made.header, made.items, made.origins, made.x.view());
  const auto opened = store::Store::open(folder.path() / "s");
  const int64_t n = opened.rows();
  REQUIRE(n > 0);
  Tensor<float> x({3 * n, 2});
  std::vector<int64_t> rows;
  store::Shuffled(opened, Split::all, 3 * n, 1).batch(1, x.view(), &rows);
  std::sort(rows.begin(), rows.end());
  for (int64_t i = 0; i < 3 * n; ++i) CHECK(rows[static_cast<size_t>(i)] == i / 3);
}
