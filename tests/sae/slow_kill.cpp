#include "sae/kills.h"

using namespace otoscope::testing;

namespace {
constexpr int64_t kSteps = 600;
}

TEST_CASE("child of the slow kill test" * doctest::skip()) { child_body(kSteps); }

TEST_CASE("training killed twenty times gives the bits of an undisturbed run") {
  survive_kills(20, 600, kSteps, "child of the slow kill test");
}
