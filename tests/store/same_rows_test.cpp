#include "otoscope/store/same_rows.h"

#include <doctest/doctest.h>

#include "store/synthetic.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using namespace otoscope::testing;

namespace {

template <class Change>
store::Store made(const std::filesystem::path& folder, Change&& change) {
  Synthetic s = synthetic(8, 6);
  change(s);
  store::write_store(folder, s.header, s.items, s.origins, s.x);
  return store::Store::open(folder);
}

}  // namespace

TEST_CASE("stores of one extraction share their rows, others are told apart") {
  const TemporaryFolder folder;
  const auto first = made(folder.path() / "a", [](Synthetic&) {});
  const auto site =
      made(folder.path() / "b", [](Synthetic& s) { s.header.site = "encoder.embed"; });
  CHECK_NOTHROW(store::check_same_rows(first, site, "--target"));

  const auto why = [&](const char* name, auto change) {
    const auto other = made(folder.path() / name, change);
    return error_of([&] { store::check_same_rows(first, other, "--target"); });
  };
  CHECK(why("id", [](Synthetic& s) {
          s.items[2].id = "clip x";
        }).find("item clip x in the place") != std::string::npos);
  CHECK(why("split", [](Synthetic& s) { s.items[2].split = "test"; }).find("in split test") !=
        std::string::npos);
  CHECK(why("place", [](Synthetic& s) {
          s.origins[5].position = 99;
        }).find("another origin of row 5") != std::string::npos);
  const Synthetic more = synthetic(9, 6);
  store::write_store(folder.path() / "more", more.header, more.items, more.origins, more.x);
  const auto longer = store::Store::open(folder.path() / "more");
  CHECK(error_of([&] { store::check_same_rows(first, longer, "--target"); }).find("--target") !=
        std::string::npos);
}
