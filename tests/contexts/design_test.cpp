#include "otoscope/contexts/design.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "contexts/planted.h"

namespace otoscope::contexts {
namespace {

TEST_CASE("no p is below one over the number of arrangements: 4 + 4 groups cannot go below 1/70") {
  const Planted items = planted({.groups = 4, .items = 2}, 1);
  const Exchange exchange(items.design);
  CHECK(exchange.groups_of(0) == 4);
  CHECK(exchange.groups_of(1) == 4);
  CHECK(exchange.smallest_p(std::numeric_limits<int>::max()) == doctest::Approx(1.0 / 70));
  CHECK(exchange.smallest_p(9) == doctest::Approx(0.1));
  const Planted pairs = planted({.groups = 6, .items = 1, .paired = true}, 1);
  CHECK(Exchange(pairs.design).smallest_p(999999) == doctest::Approx(1.0 / 64));
}

TEST_CASE(
    "a draw keeps groups whole, how many there are of each context, and reaches every "
    "arrangement") {
  const Planted items = planted({.groups = 3, .items = 2}, 2);
  const Exchange exchange(items.design);
  std::set<std::vector<uint8_t>> seen;
  for (int64_t trial = 0; trial < 400; ++trial) {
    const auto context = exchange.draw(7, trial);
    std::map<int32_t, std::set<int>> of_group;
    for (size_t i = 0; i < context.size(); ++i) of_group[items.design.group[i]].insert(context[i]);
    for (const auto& [group, contexts] : of_group) CHECK(contexts.size() == 1);
    CHECK(std::count(context.begin(), context.end(), 1) == items.design.n_of(1));
    seen.insert(context);
  }
  CHECK(seen.size() == 20);  // 6 choose 3
  CHECK(exchange.draw(7, 3) == exchange.draw(7, 3));
}

TEST_CASE("a group in both contexts has them swapped as a whole") {
  const Planted pairs = planted({.groups = 3, .items = 2, .paired = true}, 3);
  const Exchange exchange(pairs.design);
  CHECK(exchange.groups_in_both() == 3);
  std::set<std::vector<uint8_t>> seen;
  for (int64_t trial = 0; trial < 200; ++trial) {
    const auto context = exchange.draw(1, trial);
    std::map<int32_t, std::set<int>> flips;
    for (size_t i = 0; i < context.size(); ++i)
      flips[pairs.design.group[i]].insert(context[i] ^ pairs.design.context[i]);
    for (const auto& [group, flip] : flips) CHECK(flip.size() == 1);
    seen.insert(context);
  }
  CHECK(seen.size() == 8);
}

TEST_CASE("folds keep groups whole, are of like size, and do not look at contexts") {
  const Planted items = planted({.groups = 13, .items = 3}, 4);
  const auto fold = folds_of(items.design, 5, 9);
  std::map<int32_t, std::set<int32_t>> folds_of_group;
  std::map<int32_t, int> sizes;
  for (size_t i = 0; i < fold.size(); ++i) {
    folds_of_group[items.design.group[i]].insert(fold[i]);
    ++sizes[fold[i]];
  }
  for (const auto& [group, folds] : folds_of_group) CHECK(folds.size() == 1);
  CHECK(sizes.size() == 5);
  for (const auto& [f, size] : sizes) CHECK(size >= 15);
  Design other = items.design;
  for (uint8_t& context : other.context) context ^= 1;
  CHECK(folds_of(other, 5, 9) == fold);
}

TEST_CASE("a part of a design numbers its groups and sources anew") {
  const Design design =
      make_design(std::vector<uint8_t>{0, 0, 1, 1}, std::vector<std::string>{"a", "b", "c", "b"},
                  std::vector<std::string>{"", "x", "y", "x"});
  const Design part = part_of(design, std::vector<int64_t>{2, 3});
  CHECK(part.groups == 2);
  CHECK(part.sources == 2);
  CHECK(part.group == std::vector<int32_t>{0, 1});
  CHECK(part.context == std::vector<uint8_t>{1, 1});
  CHECK(design.source[0] == -1);
}

}  // namespace
}  // namespace otoscope::contexts
