#include "otoscope/contexts/verdict.h"

#include <doctest/doctest.h>

#include <cmath>

namespace otoscope::contexts {
namespace {

Classified of(double value, double low, double high, double p, double detectable = .6) {
  Classified c;
  c.auroc = {value, low, high, 400, 200, "cluster bootstrap"};
  c.p = p;
  c.smallest_p = .001;
  c.detectable = detectable;
  return c;
}

Evidence all_of_it() {
  Evidence e;
  e.features = of(.9, .86, .94, .001);
  e.n0 = e.n1 = 200;
  e.nuisances = of(.7, .65, .75, .001);
  e.increment = Estimate{.2, .15, .25, 400, 200, ""};
  e.sources = SourceOut{{.85, .7, .95, 400, 10, ""}, {.8, .9}, ""};
  e.matched = of(.88, .8, .93, .001);
  e.shuffled = of(.6, .54, .66, .001);
  e.over_shuffled = Estimate{.3, .2, .4, 400, 200, ""};
  e.behaviour = Estimate{.05, .03, .07, 400, 200, ""};
  e.behaviour_of = "word error rate";
  e.mediated = Estimate{.02, .01, .03, 400, 200, ""};
  e.mediated_controls_p = .03;
  return e;
}

TEST_CASE("the wording climbs as far as the evidence and no further") {
  Evidence e = all_of_it();
  CHECK(verdict_of(e).sentence == "the shift is mediated in part by these features");
  e.mediated_controls_p = .2;
  CHECK(verdict_of(e).sentence == "behaviour shifts between contexts");
  e.behaviour = Estimate{.01, -.01, .03, 400, 200, ""};
  CHECK(verdict_of(e).sentence == "learned features separate them");
  e.over_shuffled = Estimate{.02, -.01, .05, 400, 200, ""};
  CHECK(verdict_of(e).sentence ==
        "the representation separates the contexts beyond the listed nuisances");
  SUBCASE("what later lines would show does not help") {
    e.sources.reset();
    e.behaviour = all_of_it().behaviour;
    CHECK(verdict_of(e).sentence == "these two corpora differ");
  }
  SUBCASE("nuisances that do as well") {
    e.increment = Estimate{.001, -.01, .01, 400, 200, ""};
    CHECK(verdict_of(e).level == Level::differ);
  }
  SUBCASE("sources that cannot be left out") {
    e.sources->impossible = "no source or speaker is stated";
    CHECK(verdict_of(e).level == Level::differ);
  }
  SUBCASE("matching that fails") {
    e.matched = of(.55, .45, .65, .3);
    CHECK(verdict_of(e).level == Level::differ);
  }
}

TEST_CASE("moving away from the second context's behaviour mediates nothing") {
  Evidence e = all_of_it();
  e.mediated = Estimate{-.02, -.03, -.01, 400, 200, ""};
  CHECK(verdict_of(e).level == Level::behaviour);
}

TEST_CASE("the three questions are answered apart") {
  Evidence e = all_of_it();
  e.features = of(.52, .46, .58, .31, .61);
  const Verdict verdict = verdict_of(e);
  CHECK(verdict.detectability.starts_with("no separation above AUROC .61"));
  CHECK(verdict.behaviour.find("+5.0 points [+3.0, +7.0]") != std::string::npos);
  CHECK(verdict.controllability.ends_with("it moves the behaviour"));
  e.behaviour = Estimate{.01, -.01, .03, 400, 200, ""};
  CHECK(verdict_of(e).behaviour.ends_with("no shift detected"));
  e.behaviour.reset();
  e.mediated.reset();
  CHECK(verdict_of(e).behaviour == "not measured at matched content");
  CHECK(verdict_of(e).controllability.starts_with("not measured"));
}

TEST_CASE("nothing found is what could have been found, never sameness") {
  Evidence e = all_of_it();
  e.features = of(.52, .46, .58, .31, .61);
  const Verdict verdict = verdict_of(e);
  CHECK(verdict.level == Level::none);
  CHECK(verdict.sentence ==
        "no separation above AUROC .61 detected (n = 200 + 200 items of 200 groups, power 80 %)");
  CHECK(verdict.sentence.find("indistinguishable") == std::string::npos);
}

TEST_CASE("too little for a verdict says so") {
  Evidence e = all_of_it();
  e.features = of(.9, .4, 1, .06);
  e.features.smallest_p = 1.0 / 6;
  CHECK(verdict_of(e).sentence == "no verdict: too few independent groups (200)");
  e.features = of(.52, NAN, NAN, .4);
  CHECK(verdict_of(e).level == Level::unclear);
  e.features = of(.52, .3, .7, .4, 1);
  CHECK(verdict_of(e).sentence.starts_with("no verdict: with 200 + 200 items"));
  e.features = of(.6, .51, .7, .2);
  CHECK(verdict_of(e).sentence == "no verdict: the permutation test and the interval disagree");
}

}  // namespace
}  // namespace otoscope::contexts
