#include "otoscope/audit/rate.h"

#include <doctest/doctest.h>

#include <cmath>

#include "otoscope/core/rng.h"

namespace otoscope::audit {
namespace {

using Answer = Judgement::Answer;

struct Made {
  std::vector<Case> cases;
  std::vector<Judgement> judgements;
  void add(const std::string& cluster, Answer answer, const std::string& language = "",
           Severity severity = Severity::s1) {
    Case one;
    one.cluster = cluster;
    if (!language.empty()) one.groups["language"] = language;
    cases.push_back(one);
    judgements.push_back({answer, severity, ""});
  }
  Rate rate() const { return rate_of(cases, judgements); }
};

}  // namespace

TEST_CASE("a rate is the share of cases that could be told, and errors stand beside it") {
  Made made;
  for (int i = 0; i < 100; ++i)
    made.add("c" + std::to_string(i), i < 14 ? Answer::fails : Answer::passes);
  for (int i = 0; i < 10; ++i) made.add("e" + std::to_string(i), Answer::error);
  const Rate rate = made.rate();
  CHECK(rate.fails == 14);
  CHECK(rate.n == 100);
  CHECK(rate.errors == 10);
  CHECK(rate.clusters == 100);
  CHECK(rate.insufficient.empty());
  CHECK(rate.estimate.value == doctest::Approx(.14));
  CHECK(rate.wilson.low == doctest::Approx(.085).epsilon(.01));
  CHECK(rate.wilson.high == doctest::Approx(.221).epsilon(.01));
  CHECK(rate.errors_as_failures.value == doctest::Approx(24. / 110));
  CHECK(rate.errors_as_failures.high > rate.estimate.high);
}

TEST_CASE("no failure seen is not none: the interval ends above zero, by clusters") {
  Made made;
  for (int i = 0; i < 300; ++i) made.add("c" + std::to_string(i % 100), Answer::passes);
  const Rate rate = made.rate();
  CHECK(rate.estimate.value == 0);
  CHECK(rate.estimate.high == doctest::Approx(1 - std::pow(.025, 1. / 100)));
  CHECK(rate.estimate.n == 300);
}

TEST_CASE("too few cases or clusters have no interval and say so") {
  Made few, one_source;
  for (int i = 0; i < 29; ++i) few.add("c" + std::to_string(i), Answer::fails);
  for (int i = 0; i < 300; ++i)
    one_source.add("c" + std::to_string(i % 9), i % 2 == 0 ? Answer::fails : Answer::passes);
  CHECK(few.rate().insufficient == "29 cases, fewer than 30");
  CHECK(one_source.rate().insufficient == "9 clusters, fewer than 10");
  for (const Made* made : {&few, &one_source}) {
    CHECK(std::isnan(made->rate().estimate.low));
    CHECK(made->rate().estimate.method == "insufficient");
  }
  CHECK(Made().rate().insufficient == "0 cases, fewer than 30");
  // Errors do not make up for cases.
  few.add("e", Answer::error);
  CHECK(few.rate().insufficient == "29 cases, fewer than 30");
}

TEST_CASE("cases of one cluster count less than their number") {
  Made alone, shared;
  for (int i = 0; i < 400; ++i) {
    const Answer answer = i / 20 % 2 == 0 ? Answer::fails : Answer::passes;
    alone.add("c" + std::to_string(i), answer);
    shared.add("c" + std::to_string(i / 20), answer);
  }
  const auto width = [](const Made& made) {
    const Rate rate = made.rate();
    return rate.estimate.high - rate.estimate.low;
  };
  CHECK(width(shared) > 3 * width(alone));
}

TEST_CASE("severities share the denominator and add up") {
  Made made;
  for (int i = 0; i < 90; ++i)
    made.add("c" + std::to_string(i), i % 3 == 0 ? Answer::passes : Answer::fails, "",
             i % 3 == 1 ? Severity::s1 : Severity::s3);
  const auto rates = rates_by_severity(made.cases, made.judgements);
  REQUIRE(rates.size() == 4);
  int64_t fails = 0;
  for (const SeverityRate& one : rates) {
    CHECK(one.rate.n == 90);
    fails += one.rate.fails;
  }
  CHECK(fails == 60);
  CHECK(rates[3].rate.fails == 30);
}

TEST_CASE(
    "a group that differs is found, small groups are insufficient, equal ones are not named") {
  // Clusters hold one language each, or all of them (a prompt read in several languages).
  for (const bool shared : {false, true}) {
    Made made;
    Rng rng(7, "groups");
    for (int i = 0; i < 150; ++i)
      for (const char* language : {"en", "es", "fr"}) {
        const double p = language[0] == 'f' ? .6 : .2;
        made.add("c" + std::to_string(i) + (shared ? "" : language),
                 rng.uniform() < p ? Answer::fails : Answer::passes, language);
      }
    for (int i = 0; i < 20; ++i) made.add("r" + std::to_string(i), Answer::fails, "ru");
    const Groups groups = rates_by_group(made.cases, made.judgements, {1, 500});
    REQUIRE(groups.tables.size() == 1);
    CHECK(groups.tests == 3);
    for (const GroupCell& cell : groups.tables[0].cells) {
      CHECK(cell.compared == (cell.value != "ru"));
      CHECK(cell.rate.insufficient.empty() == (cell.value != "ru"));
      CHECK(cell.p_adjusted >= cell.p);
      if (cell.value == "fr") {
        CHECK(cell.differs);
        CHECK(cell.difference.low > .1);
      }
    }
  }
}

TEST_CASE("groups drawn from one rate are rarely said to differ") {
  int said = 0;
  for (int repeat = 0; repeat < 40; ++repeat) {
    Made made;
    Rng rng(static_cast<uint64_t>(repeat), "null groups");
    for (int i = 0; i < 40; ++i)
      for (const char* language : {"en", "es", "fr", "it"}) {
        const bool cluster_fails = rng.uniform() < .3;  // shared by the cluster's cases
        for (int j = 0; j < 2; ++j)
          made.add("c" + std::to_string(i) + language,
                   cluster_fails || rng.uniform() < .1 ? Answer::fails : Answer::passes, language);
      }
    const Groups groups = rates_by_group(made.cases, made.judgements, {1, 100});
    bool any = false;
    for (const GroupCell& cell : groups.tables.at(0).cells) any = any || cell.differs;
    said += any ? 1 : 0;
  }
  CHECK(said <= 6);  // 5 % of 40 is 2; P(more than 6) < .002
}

}  // namespace otoscope::audit
