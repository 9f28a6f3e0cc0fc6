#include "otoscope/labels/row_labels.h"

#include <doctest/doctest.h>

#include "otoscope/store/writer.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using audio::LabelKind;

namespace {

/// Two clips of five and three frames; the second begins at frame 50 of its file's piece.
store::Store small_store(const std::filesystem::path& folder) {
  store::Header header;
  header.site = "encoder.out", header.d = 2;
  std::vector<store::Item> items(2);
  items[0].id = "a", items[0].first_row = 0, items[0].n_rows = 5;
  items[1].id = "b", items[1].first_row = 5, items[1].n_rows = 3;
  std::vector<store::RowOrigin> origins;
  for (int i = 0; i < 8; ++i) {
    store::RowOrigin origin;
    origin.item = i < 5 ? 0 : 1;
    origin.frame = i < 5 ? i : i - 5;
    origins.push_back(origin);
  }
  Tensor<float> x(Shape{8, 2});
  for (int64_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i);
  store::write_store(folder, header, items, origins, x);
  return store::Store::open(folder);
}

std::string held(const labels::RowLabels& rows, int64_t row) {
  std::string text;
  for (int64_t k = rows.indptr[static_cast<size_t>(row)];
       k < rows.indptr[static_cast<size_t>(row) + 1]; ++k)
    text += rows.values[static_cast<size_t>(rows.ids[static_cast<size_t>(k)])].value + ";";
  return text;
}

}  // namespace

TEST_CASE("a row holds the labels whose interval contains its time") {
  const testing::TemporaryFolder folder;
  const auto store = small_store(folder.path() / "encoder.out");
  audio::ClipLabels clip{"a", 0.1, {}};
  // Frames 0 … 4 are at 0, 20, 40, 60, 80 ms: a start is inside, an end is not.
  clip.tracks.push_back(
      {LabelKind::phone, "hand", 1, 0, 0.07, {{0, 0.02, "p"}, {0.02, 0.06, "a"}}});
  clip.tracks.push_back({LabelKind::phone_class,
                         "table",
                         1,
                         0,
                         0.1,
                         {{0.02, 0.06, "voiced"}, {0.02, 0.06, "vowel"}, {0.06, 0.1, "voiced"}}});
  const std::vector<audio::ClipLabels> clips = {clip, {"elsewhere", 1, {}}};
  const auto rows = labels::label_rows(store, clips);
  CHECK(rows.items_labelled == 1);
  CHECK(rows.items_without == 1);
  REQUIRE(rows.indptr.size() == 9);
  CHECK(held(rows, 0) == "p;");
  CHECK(held(rows, 1) == "a;voiced;vowel;");
  CHECK(held(rows, 2) == "a;voiced;vowel;");
  CHECK(held(rows, 3) == "voiced;");
  CHECK(held(rows, 4) == "voiced;");
  CHECK(held(rows, 5).empty());
  // The phone at frame 3 is known to be none; at frame 4 it is not known; item b is not known.
  CHECK(rows.is_known(3, LabelKind::phone));
  CHECK_FALSE(rows.is_known(4, LabelKind::phone));
  CHECK(rows.is_known(4, LabelKind::phone_class));
  CHECK_FALSE(rows.is_known(0, LabelKind::word));
  CHECK_FALSE(rows.is_known(5, LabelKind::phone));
  // Values are grouped by kind, then ordered.
  REQUIRE(rows.values.size() == 4);
  CHECK(rows.values[0].kind == LabelKind::phone);
  CHECK(rows.values[1].value == "p");
  CHECK(rows.values[2].value == "voiced");
}

TEST_CASE("labels outside what a track knows hold nowhere") {
  const testing::TemporaryFolder folder;
  const auto store = small_store(folder.path() / "encoder.out");
  audio::ClipLabels clip{"b", 0.06, {}};
  clip.tracks.push_back({LabelKind::word, "hand", 1, 0.02, 0.04, {{0, 0.06, "w"}}});
  clip.tracks.push_back({LabelKind::word, "hand", 1, 0.04, 0.06, {{0.04, 0.06, "w"}}});
  const auto rows = labels::label_rows(store, std::vector{clip});
  CHECK(held(rows, 5).empty());
  CHECK(held(rows, 6) == "w;");
  CHECK(held(rows, 7) == "w;");  // two tracks of a kind add up
  CHECK(rows.is_known(7, LabelKind::word));
  CHECK_FALSE(rows.is_known(5, LabelKind::word));
}

TEST_CASE("labels of other clips are an error that names one of each side") {
  const testing::TemporaryFolder folder;
  const auto store = small_store(folder.path() / "encoder.out");
  const std::vector<audio::ClipLabels> clips = {{"en/a", 1, {}}};
  const std::string error = testing::error_of([&] { labels::label_rows(store, clips); });
  CHECK(error.find("none of its 2 items has labels (an item is called \"a\", a labelled clip "
                   "\"en/a\")") != std::string::npos);
}
