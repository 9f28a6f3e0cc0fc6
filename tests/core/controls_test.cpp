#include "otoscope/core/controls.h"

#include <doctest/doctest.h>

namespace otoscope {

TEST_CASE("control characters become spaces, letters of any script stay") {
  CHECK(without_controls("a\x1b[2Jb\r\nc\x7f\tд") == "a [2Jb  c  д");
  CHECK(without_controls("a\nb\tc\r", "\t\n") == "a\nb\tc ");
  CHECK(without_controls(std::string("a\0b", 3), "\t") == "a b");
}

}  // namespace otoscope
