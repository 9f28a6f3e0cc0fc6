/// How often the tests alarm where nothing differs: 200 repeats at the 5 % level, 199 permutations
/// each. 4 to 17 alarms is what binomial(200, .05) does 99 % of the time.
#include <doctest/doctest.h>

#include <fmt/core.h>

#include "contexts/planted.h"
#include "otoscope/contexts/columns.h"
#include "otoscope/contexts/held_out.h"
#include "otoscope/contexts/match.h"
#include "otoscope/contexts/tests.h"
#include "otoscope/contexts/verdict.h"

namespace otoscope::contexts {
namespace {

struct Alarms {
  int classifier = 0, mmd_half = 0, mmd = 0, mmd_twice = 0, family = 0, any_q = 0;
};

Alarms alarms_of(const PlantedOptions& truth, uint64_t first_seed) {
  Alarms alarms;
  for (uint64_t repeat = 0; repeat < 200; ++repeat) {
    const Planted items = planted(truth, first_seed + repeat);
    const auto gram = gram_of(items.x);
    TestOptions options;
    options.permutations = 199;
    options.replicates = 20;
    options.seed = first_seed + repeat;
    alarms.classifier += classifier_test(gram, items.design, options).p <= .05 ? 1 : 0;
    const auto mmd = mmd_test(gram, items.design, options);
    alarms.mmd_half += mmd.half.p <= .05 ? 1 : 0;
    alarms.mmd += mmd.median.p <= .05 ? 1 : 0;
    alarms.mmd_twice += mmd.twice.p <= .05 ? 1 : 0;
    const auto columns = column_differences(items.x, items.design, options, 0);
    bool family = false, any = false;
    for (const ColumnDifference& c : columns) {
      family = family || c.p_family <= .05;
      any = any || c.q <= .05;
    }
    alarms.family += family ? 1 : 0;
    alarms.any_q += any ? 1 : 0;
  }
  return alarms;
}

void check(const char* name, const Alarms& a) {
  MESSAGE(fmt::format("{}: classifier {}, MMD {} / {} / {}, columns by max {}, by q {} of 200",
                      name, a.classifier, a.mmd_half, a.mmd, a.mmd_twice, a.family, a.any_q));
  for (const int count : {a.classifier, a.mmd_half, a.mmd, a.mmd_twice, a.family}) {
    CHECK(count >= 4);
    CHECK(count <= 17);
  }
  CHECK(a.any_q <= 17);  // q controls a rate, its any-alarm share is at most the level
}

TEST_CASE("contexts of the same distribution: 4 to 17 false alarms in 200") {
  check("20 + 20 groups of 3, strong groups",
        alarms_of({.groups = 20, .items = 3, .columns = 60, .within_group = .6}, 1000));
  check("30 pairs",
        alarms_of({.groups = 30, .items = 1, .columns = 60, .within_group = .6, .paired = true},
                  3000));
  check("more columns than items",
        alarms_of({.groups = 15, .items = 2, .columns = 400, .within_group = .3}, 5000));
}

/// What the whole comparison says of items with a nuisance, in `repeats` worlds.
struct Said {
  int separated = 0, beyond = 0, repeats = 0;
};
Said said_of(double own_shift, double nuisance_shift, uint64_t first_seed) {
  Said said;
  for (uint64_t repeat = 0; repeat < 100; ++repeat) {
    Planted items =
        planted({.groups = 40, .items = 2, .columns = 40, .within_group = .2, .shift = own_shift},
                first_seed + repeat);
    const int64_t n = items.design.n();
    Tensor<float> nuisance(Shape{n, 1});
    Rng rng(first_seed + repeat, "nuisance");
    for (int64_t i = 0; i < n; ++i) {
      const bool second = items.design.context[static_cast<size_t>(i)] != 0;
      nuisance[i] = static_cast<float>(rng.normal() + (second ? nuisance_shift : 0));
      for (int64_t j = 10; j < 40; ++j) items.x.at(i, j) += nuisance[i];
    }
    TestOptions options;
    options.permutations = 199;
    options.replicates = 200;
    options.seed = first_seed + repeat;
    const auto features = gram_of(items.x), nuisances = gram_of(nuisance);
    Evidence e;
    e.features = classifier_test(features, items.design, options);
    e.nuisances = classifier_test(nuisances, items.design, options);
    e.increment = auroc_difference(
        *e.nuisances, classifier_test(mean_gram(features, nuisances), items.design, options),
        items.design, options);
    e.sources = leave_source_out(features, items.design, options);
    const auto places = matched_pairs(nuisance, items.design);
    e.matched = classifier_test(part_of(features, places), part_of(items.design, places), options);
    const Verdict verdict = verdict_of(e);
    said.separated += verdict.level != Level::none && verdict.level != Level::unclear ? 1 : 0;
    said.beyond += verdict.level == Level::beyond_nuisances ? 1 : 0;
    ++said.repeats;
  }
  return said;
}

TEST_CASE("planted features are found, and a planted nuisance is called a nuisance") {
  const auto print = [](const char* name, const Said& said) {
    MESSAGE(fmt::format("{}: told apart {}, beyond nuisances {} of {}", name, said.separated,
                        said.beyond, said.repeats));
  };
  const Said feature = said_of(1.5, 0, 7000), nuisance = said_of(0, 1.2, 8000),
             both = said_of(1.5, 1.2, 9000), nothing = said_of(0, 0, 10000);
  print("three features, 1.5 deviations", feature);
  print("a nuisance that features follow, 1.2 deviations", nuisance);
  print("both", both);
  print("nothing", nothing);
  CHECK(feature.beyond >= 80);
  CHECK(nuisance.separated >= 80);  // it does separate …
  CHECK(nuisance.beyond <= 5);      // … and is not called more than a nuisance
  CHECK(both.beyond >= 60);
  CHECK(nothing.separated <= 11);
  CHECK(nothing.beyond <= 2);
}

}  // namespace
}  // namespace otoscope::contexts
