/// How often the tests alarm where nothing differs: 200 repeats at the 5 % level, 199 permutations
/// each. 4 to 17 alarms is what binomial(200, .05) does 99 % of the time.
#include <doctest/doctest.h>

#include <fmt/core.h>

#include "contexts/planted.h"
#include "otoscope/contexts/columns.h"
#include "otoscope/contexts/held_out.h"
#include "otoscope/contexts/tests.h"

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

}  // namespace
}  // namespace otoscope::contexts
