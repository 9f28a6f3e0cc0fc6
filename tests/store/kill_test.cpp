#include "store/kill.h"

TEST_CASE("an extraction killed three times ends in the same bytes") {
  otoscope::testing::check_kills(3, 1);
}
