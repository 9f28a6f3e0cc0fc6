#include "otoscope/core/version.h"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>

namespace otoscope {

TEST_CASE("the program and the build state one version") {
  std::ifstream file(OTOSCOPE_TEST_DIR "/../CMakeLists.txt");
  std::stringstream text;
  text << file.rdbuf();
  CHECK(text.str().find("project(otoscope VERSION " + std::string(kVersion) + " ") !=
        std::string::npos);
}

}  // namespace otoscope
