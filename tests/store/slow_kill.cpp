#include "store/kill.h"

TEST_CASE("an extraction killed twenty times ends in the same bytes") {
  otoscope::testing::check_kills(20, 2);
}
