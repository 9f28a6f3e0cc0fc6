#include "otoscope/audit/wording.h"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

namespace otoscope::audit {

TEST_CASE("a word needs its columns, and what was not measured is not failed") {
  const auto yes = Column::passed, no = Column::failed, none = Column::not_measured;
  CHECK(wording_of(true, yes, yes) == Wording::through);
  CHECK(wording_of(true, yes, no) == Wording::associated);
  CHECK(wording_of(true, yes, none) == Wording::associated);
  CHECK(wording_of(true, no, yes) == Wording::modulated);
  CHECK(wording_of(true, none, yes) == Wording::modulated);
  CHECK(wording_of(true, no, no) == Wording::not_shown);
  CHECK(wording_of(true, none, no) == Wording::not_shown);
  CHECK(wording_of(true, no, none) == Wording::not_shown);
  CHECK(wording_of(true, none, none) == Wording::no_verdict);
  CHECK(wording_of(false, yes, yes) == Wording::no_verdict);
  CHECK(status_name(Wording::through) == "supported");
  CHECK(status_name(Wording::modulated) == "partial");
  CHECK(status_name(Wording::not_shown) == "not_supported");
  CHECK(status_name(Wording::no_verdict) == "inconclusive");
}

TEST_CASE("features are named up to eight, and more of them are no circuit for that") {
  std::vector<int32_t> some(16);
  std::iota(some.begin(), some.end(), 0);
  CHECK(features_phrase({some.data() + 7, 1}, "encoder.out") == "feature 7 of encoder.out");
  CHECK(features_phrase({some.data(), 2}, "encoder.out") == "features 0, 1 of encoder.out");
  CHECK(features_phrase(some, "encoder.out") == "16 features of encoder.out");
}

TEST_CASE("a sentence holds the interval, what could not be judged, and no zero without its end") {
  Claim claim;
  claim.model = "m", claim.title = "odd", claim.data = "clips", claim.decoding = "decoded greedily";
  claim.fails = 3, claim.n = 40, claim.errors = 2, claim.clusters = 30,
  claim.cluster_unit = "sources";
  claim.value = .075, claim.low = .02, claim.high = .15;
  claim.wording = Wording::associated, claim.features = "feature 7 of encoder.out";
  claim.mechanism_note = "a note";
  CHECK(sentence(claim) ==
        "m exhibits \"odd\" at a rate of 7.5 % [2.0, 15.0] (3 of 40 clips of 30 sources; 2 more "
        "could not be judged) on clips, decoded greedily, associated with feature 7 of encoder.out "
        "(a note).");
  claim.fails = 0, claim.wording = Wording::no_verdict, claim.mechanism_note.clear();
  CHECK(sentence(claim).find("a rate of up to 15.0 % is not excluded") != std::string::npos);
  claim.sufficient = false, claim.insufficient = "10 cases, fewer than 30";
  CHECK(sentence(claim).find("No rate of \"odd\" can be given for m on clips") == 0);
}

}  // namespace otoscope::audit
