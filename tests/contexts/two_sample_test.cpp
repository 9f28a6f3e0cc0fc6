#include "otoscope/contexts/tests.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "contexts/planted.h"
#include "otoscope/contexts/columns.h"
#include "otoscope/contexts/held_out.h"
#include "otoscope/contexts/match.h"
#include "otoscope/contexts/verdict.h"
#include "otoscope/core/errors.h"
#include "otoscope/core/statistics.h"
#include "otoscope/core/threads.h"

namespace otoscope::contexts {
namespace {

const TestOptions kQuick{.permutations = 199, .replicates = 300, .seed = 1};

TEST_CASE("planted features are found, named, and hold for sources never seen") {
  const Planted items = planted({.groups = 40, .items = 2, .shift = 1.5, .shifted = 3}, 11);
  const auto gram = gram_of(items.x);
  const auto test = classifier_test(gram, items.design, kQuick);
  CHECK(test.auroc.value > .85);
  CHECK(test.auroc.low > .5);
  CHECK(test.auroc.low < test.auroc.value);
  CHECK(test.p == doctest::Approx(1.0 / 200));
  CHECK(test.auroc.clusters == 80);
  CHECK(test.auroc.n == 160);
  const auto mmd = mmd_test(gram, items.design, kQuick);
  CHECK(mmd.median.p <= .05);
  CHECK(mmd.median.mmd2 > 0);
  CHECK(mmd.half.bandwidth == doctest::Approx(mmd.median.bandwidth / 2));
  const auto sources = leave_source_out(gram, items.design, kQuick);
  CHECK(sources.rounds.size() == 5);
  CHECK(sources.auroc.low > .5);
  const auto columns = column_differences(items.x, items.design, kQuick, 5);
  CHECK(columns.size() == 40);
  std::set<int64_t> first;
  for (size_t i = 0; i < 3; ++i) {
    first.insert(columns[i].column);
    CHECK(columns[i].q < .05);
    CHECK(columns[i].p_family <= .05);
    CHECK(columns[i].difference.low > 0);
    CHECK(columns[i].difference.value == doctest::Approx(1.5).epsilon(.4));
    CHECK(columns[i].auroc > .7);
  }
  CHECK(first == std::set<int64_t>{0, 1, 2});
  CHECK(std::count_if(columns.begin(), columns.end(), [](const auto& c) { return c.q < .05; }) <=
        5);
}

TEST_CASE("minimal pairs find a shift that is small beside what items differ by") {
  const PlantedOptions small{
      .groups = 60, .items = 1, .within_group = .95, .shift = .5, .shifted = 40, .paired = true};
  const Planted pairs = planted(small, 12);
  const auto test = classifier_test(gram_of(pairs.x), pairs.design, kQuick);
  CHECK(test.p <= .01);
  CHECK(test.smallest_p == doctest::Approx(1.0 / 200));
  const auto columns = column_differences(pairs.x, pairs.design, kQuick, 0);
  CHECK(columns[0].q < .05);
}

TEST_CASE("the unbiased discrepancy equals its double sum") {
  const Planted items = planted({.groups = 4, .items = 2, .columns = 3, .shift = 1}, 13);
  const auto gram = gram_of(items.x);
  const auto found = mmd_test(gram, items.design, {.permutations = 19});
  const double s = found.twice.bandwidth;
  double sums[2][2] = {{0, 0}, {0, 0}};
  const int64_t n = items.design.n();
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j)
      if (i != j)
        sums[items.design.context[static_cast<size_t>(i)]]
            [items.design.context[static_cast<size_t>(j)]] +=
            std::exp(-(gram.at(i, i) + gram.at(j, j) - 2 * gram.at(i, j)) / (2 * s * s));
  const double expected = sums[0][0] / 56 + sums[1][1] / 56 - (sums[0][1] + sums[1][0]) / 64;
  CHECK(found.twice.mmd2 == doctest::Approx(expected));
}

TEST_CASE("equal bits on any number of threads") {
  const Planted items = planted({.groups = 25, .items = 2, .shift = .5}, 14);
  const auto gram = gram_of(items.x);
  const int before = threads();
  const auto two = classifier_test(gram, items.design, kQuick);
  set_threads(1);
  const auto one = classifier_test(gram, items.design, kQuick);
  set_threads(before);
  CHECK(one.p == two.p);
  CHECK(one.auroc.low == two.auroc.low);
  CHECK(one.scores == two.scores);
}

TEST_CASE("what could have been found: by the power of Hanley and McNeil's error") {
  // Independent items, critical value of a one-sided 5 % test at 100 + 100: .5 + 1.645 x .0408.
  const double found = detectable_auroc(.567, 100, 100);
  CHECK(found - .8416 * auroc_standard_error(found, 100, 100) == doctest::Approx(.567));
  CHECK(found == doctest::Approx(.60).epsilon(.02));
  CHECK(detectable_auroc(.567, 100, 100, 2) > found);
  CHECK(detectable_auroc(.567, 400, 400) < found);
  CHECK(detectable_auroc(1, 100, 100) == 1);
}

TEST_CASE("one group of a context is no sample, and too few permutations no test") {
  const Planted items = planted({.groups = 1, .items = 10}, 15);
  CHECK_THROWS_AS(classifier_test(gram_of(items.x), items.design, kQuick), UserError);
  const Planted more = planted({.groups = 5}, 15);
  CHECK_THROWS_AS(classifier_test(gram_of(more.x), more.design, {.permutations = 9}), UserError);
}

/// All columns are a nuisance (loudness, say) under noise.
struct Confounded {
  Planted items;
  Tensor<float> nuisance;
};
Confounded confounded(double own_shift, uint64_t seed) {
  Confounded c{planted({.groups = 60, .items = 2, .within_group = 0, .shift = own_shift}, seed),
               {}};
  const int64_t n = c.items.design.n();
  c.nuisance = Tensor<float>(Shape{n, 1});
  Rng rng(seed, "nuisance");
  for (int64_t i = 0; i < n; ++i) {
    c.nuisance[i] = static_cast<float>(
        rng.normal() + (c.items.design.context[static_cast<size_t>(i)] != 0 ? 1.2 : 0));
    for (int64_t j = 10; j < 40; ++j) c.items.x.at(i, j) += c.nuisance[i];
  }
  return c;
}

struct Tested {
  Classified features, nuisances;
  Estimate increment;
  std::optional<Classified> matched;
};
Tested test_all(const Confounded& c) {
  const Design& design = c.items.design;
  const auto features = gram_of(c.items.x), nuisances = gram_of(c.nuisance);
  Tested t{classifier_test(features, design, kQuick),
           classifier_test(nuisances, design, kQuick),
           {},
           {}};
  t.increment = auroc_difference(
      t.nuisances, classifier_test(mean_gram(features, nuisances), design, kQuick), design, kQuick);
  const auto places = matched_pairs(c.nuisance, design);
  t.matched = classifier_test(part_of(features, places), part_of(design, places), kQuick);
  return t;
}

TEST_CASE("a planted nuisance is called a nuisance, and a planted feature more than that") {
  const Tested nuisance = test_all(confounded(0, 16));
  CHECK(nuisance.features.p <= .01);  // it does separate
  CHECK(nuisance.increment.low <= 0);
  CHECK(nuisance.increment.high < .05);
  CHECK(nuisance.matched->p > .05);
  Evidence evidence;
  evidence.features = nuisance.features;
  evidence.n0 = evidence.n1 = 120;
  evidence.nuisances = nuisance.nuisances;
  evidence.increment = nuisance.increment;
  evidence.matched = nuisance.matched;
  CHECK(verdict_of(evidence).sentence == "these two corpora differ");

  const Confounded real = confounded(1.5, 17);
  const Tested feature = test_all(real);
  CHECK(feature.increment.low > 0);
  CHECK(feature.matched->p <= .05);
  evidence.features = feature.features;
  evidence.nuisances = feature.nuisances;
  evidence.increment = feature.increment;
  evidence.matched = feature.matched;
  evidence.sources = leave_source_out(gram_of(real.items.x), real.items.design, kQuick);
  CHECK(verdict_of(evidence).sentence ==
        "the representation separates the contexts beyond the listed nuisances");
}

TEST_CASE("matched pairs are close in every nuisance and use no item twice") {
  const Confounded c = confounded(0, 18);
  const auto places = matched_pairs(c.nuisance, c.items.design, .2);
  REQUIRE(places.size() >= 40);
  CHECK(std::set<int64_t>(places.begin(), places.end()).size() == places.size());
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < c.nuisance.size(); ++i)
    sum += static_cast<double>(c.nuisance[i]) / static_cast<double>(c.nuisance.size());
  for (int64_t i = 0; i < c.nuisance.size(); ++i)
    squares += std::pow(static_cast<double>(c.nuisance[i]) - sum, 2) /
               static_cast<double>(c.nuisance.size());
  for (size_t i = 0; i < places.size(); i += 2) {
    CHECK(c.items.design.context[static_cast<size_t>(places[i])] == 0);
    CHECK(c.items.design.context[static_cast<size_t>(places[i + 1])] == 1);
    CHECK(std::fabs(c.nuisance[places[i]] - c.nuisance[places[i + 1]]) <=
          .2 * std::sqrt(squares) + 1e-6);
  }
}

}  // namespace
}  // namespace otoscope::contexts
