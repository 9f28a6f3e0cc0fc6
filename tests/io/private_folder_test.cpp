#include "otoscope/io/private_folder.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <cstdlib>

#include "otoscope/io/file.h"
#include "support/errors.h"

namespace otoscope::io {

TEST_CASE("a private folder is its owner's, not another's of the same purpose, and goes") {
  std::filesystem::path was;
  {
    const PrivateFolder one("test"), other("test");
    was = one.path();
    CHECK(was != other.path());
    CHECK(was.filename().string().starts_with("otoscope-test-"));
    struct stat status {};
    REQUIRE(::stat(was.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
    write_file(one / "x", "text");
    CHECK(read_file(was / "x") == "text");
  }
  CHECK_FALSE(std::filesystem::exists(was));
}

TEST_CASE("no place for temporary files is an error in a line") {
  const char* was = std::getenv("TMPDIR");
  const std::string before = was == nullptr ? "" : was;
  ::setenv("TMPDIR", "/nowhere/at/all", 1);
  const std::string error = testing::error_of([] { PrivateFolder("test"); });
  was == nullptr ? ::unsetenv("TMPDIR") : ::setenv("TMPDIR", before.c_str(), 1);
  CHECK(error.starts_with("[TMPDIR] expected a folder there"));
}

}  // namespace otoscope::io
