#include "sae/kills.h"

using namespace otoscope::testing;

namespace {
constexpr int64_t kSteps = 500;
}

TEST_CASE("child of the kill test" * doctest::skip()) { child_body(kSteps); }

TEST_CASE("training killed three times gives the bits of an undisturbed run") {
  survive_kills(3, 300, kSteps, "child of the kill test");
}
