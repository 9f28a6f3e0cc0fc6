#include "otoscope/model/registry.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "support/close.h"
#include "support/errors.h"

namespace otoscope::model {

using otoscope::testing::error_of;

TEST_CASE("every file of a known model has a size, a hash and more than one source") {
  for (const KnownModel& model : known_models())
    for (const io::WantedFile& file : model.files) {
      CAPTURE(model.name + "/" + file.name);
      CHECK(file.bytes > 0);
      CHECK(file.sha256.size() == 64);
      CHECK(file.sha256.find_first_not_of("0123456789abcdef") == std::string::npos);
      CHECK(file.sources.size() >= 2);
    }
  CHECK(known_model("whisper-base").bytes() == 145'217'532 + 2'203'239 + 459'861 + 2'309);
}

TEST_CASE("a model that is unknown, not fetched or nowhere is told apart") {
  const testing::TemporaryFolder folder;
  const char* before = std::getenv("OTOSCOPE_HOME");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("OTOSCOPE_HOME", folder.path().c_str(), 1);
  CHECK(error_of([] { known_model("whisper-bas"); }).find("whisper-base") != std::string::npos);
  CHECK(error_of([] { resolve_model("whisper-base"); }).find("models get whisper-base") !=
        std::string::npos);
  CHECK(error_of([] { resolve_model("whisper-x"); }).find("whisper-tiny.en") != std::string::npos);
  CHECK(error_of([] { resolve_model("/no/such/folder"); }).find("nothing there") !=
        std::string::npos);
  CHECK(resolve_model(folder.path().string()) == folder.path());
  if (before != nullptr)
    ::setenv("OTOSCOPE_HOME", kept.c_str(), 1);
  else
    ::unsetenv("OTOSCOPE_HOME");
}

}  // namespace otoscope::model
