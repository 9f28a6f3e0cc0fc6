#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>

#include "otoscope/io/hash.h"
#include "otoscope/model/registry.h"
#include "support/close.h"

namespace otoscope::model {

TEST_CASE("the known checkpoints come from a real network, whole and verified") {
  const testing::TemporaryFolder folder;
  const char* before = std::getenv("OTOSCOPE_HOME");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("OTOSCOPE_HOME", folder.path().c_str(), 1);
  for (const KnownModel& model : known_models()) {
    CAPTURE(model.name);
    CHECK_FALSE(is_fetched(model));
    const auto target = get_model(model);
    CHECK(target == model_folder(model));
    for (const io::WantedFile& file : model.files)
      CHECK(io::sha256_file(target / file.name) == file.sha256);
    const auto start = std::chrono::steady_clock::now();
    get_model(model);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::milliseconds(100));
    CHECK(resolve_model(model.name) == target);
  }
  if (before != nullptr)
    ::setenv("OTOSCOPE_HOME", kept.c_str(), 1);
  else
    ::unsetenv("OTOSCOPE_HOME");
}

}  // namespace otoscope::model
