/// Activations of other tools that say where their rows come from.

#include <doctest/doctest.h>

#include "otoscope/io/file.h"
#include "otoscope/io/npy.h"
#include "otoscope/io/safetensors.h"
#include "otoscope/store/store.h"
#include "store/foreign_rows.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using store::Split;
using store::Store;
using testing::error_of;
using testing::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

/// The rows of tests/golden/make_npz.py.
Tensor<float> golden_rows() {
  Tensor<float> x({12, 5});
  for (int64_t i = 0; i < x.size(); ++i) x[i] = (static_cast<float>(i) - 7) / 4;
  return x;
}

void check_golden(const Store& opened) {
  REQUIRE(opened.rows() == 12);
  REQUIRE(opened.d() == 5);
  CHECK(opened.unit() == "frame");
  Tensor<float> x({12, 5});
  opened.read(0, x.view());
  CHECK_CLOSE(x, golden_rows(), 0);
  REQUIRE(opened.items().size() == 3);
  CHECK(opened.items()[0].id == "item 4");
  CHECK(opened.items()[1].n_rows == 4);
  CHECK(opened.rows_of(Split::train) == std::vector<int64_t>{0, 1, 2, 3, 4});
  CHECK(opened.rows_of(Split::test) == std::vector<int64_t>{5, 6, 7, 8});
  CHECK(opened.rows_of(Split::dev) == std::vector<int64_t>{9, 10, 11});
  CHECK(opened.origin(2).item == 0);
  CHECK(opened.origin(2).frame == 12);  // as the file says
  CHECK(opened.origin(5).item == 1);
  CHECK(opened.origin(5).frame == 0);
  CHECK(opened.statistics().split == "train");
  CHECK(opened.statistics().rows == 5);
  CHECK(opened.hash().size() == 64);
}

}  // namespace

TEST_CASE("an .npz of NumPy's is a store, with items, frames and splits of its own") {
  for (const char* name : {"npz/stored.npz", "npz/deflated.npz"}) {
    CAPTURE(name);
    check_golden(Store::open(testing::golden(name)));
  }
  CHECK(has(error_of([] { Store::open(testing::golden("npz/swapped.npz")); }), "big-endian"));
}

TEST_CASE("columns of a .safetensors say the same") {
  const TemporaryFolder folder;
  const Tensor<float> x = golden_rows();
  Tensor<int64_t> item({12}), frame({12}), split({12});
  const int64_t items[] = {4, 4, 4, 4, 4, 2, 2, 2, 2, 9, 9, 9};
  const int64_t frames[] = {10, 11, 12, 13, 14, 0, 1, 2, 3, 0, 1, 2};
  for (int64_t i = 0; i < 12; ++i) {
    item[i] = items[i], frame[i] = frames[i];
    split[i] = i < 5 ? 0 : i < 9 ? 2 : 1;
  }
  const auto write = [&](const char* name) {
    io::write_safetensors(folder.path() / name,
                          {io::named("activations", x), io::named("item", item),
                           io::named("frame", frame), io::named("split", split)});
    return folder.path() / name;
  };
  check_golden(Store::open(write("x.safetensors")));

  split[3] = 1;
  CHECK(has(error_of([&] { Store::open(write("a.safetensors")); }), "for all rows of item 4"));
  split[3] = 0;
  item[11] = 4;
  CHECK(has(error_of([&] { Store::open(write("b.safetensors")); }), "got item 4 again in row 11"));
  item[11] = 9;
  frame[0] = -1;
  CHECK(has(error_of([&] { Store::open(write("c.safetensors")); }), "expected frame from 0"));
  Tensor<int64_t> mask({12}), few({3});
  io::write_safetensors(folder.path() / "d.safetensors",
                        {io::named("activations", x), io::named("mask", mask)});
  CHECK(has(error_of([&] { Store::open(folder.path() / "d.safetensors"); }), "12 of 12"));
  io::write_safetensors(folder.path() / "e.safetensors",
                        {io::named("activations", x), io::named("item", few)});
  CHECK(
      has(error_of([&] { Store::open(folder.path() / "e.safetensors"); }), "12 integers at item"));
}

TEST_CASE("X.rows.json names the clips of X.npy") {
  const TemporaryFolder folder;
  io::write_npy(folder.path() / "x.npy", golden_rows());
  const auto sidecar = [&](const std::string& items, const std::string& more = "") {
    io::write_file(folder.path() / "x.rows.json", R"({"schema": "otoscope.rows", "version": 1)" +
                                                      more + R"(, "items": [)" + items + "]}");
    return error_of([&] { Store::open(folder.path() / "x.npy"); });
  };
  CHECK(sidecar(
            R"({"id": "en/a", "rows": 5, "split": "train", "language": "en", "cluster": "a"},
                   {"id": "en/empty", "rows": 0},
                   {"id": "fr/a", "rows": 7, "split": "test", "text": "oui", "duration_s": 0.14})",
            R"(, "unit": "frame", "site": "encoder.out", "model": {"name": "m", "hash": "0a"})") ==
        "nothing was thrown");
  const Store opened = Store::open(folder.path() / "x.npy");
  CHECK(opened.site() == "encoder.out");
  CHECK(opened.model_hash() == "0a");
  CHECK(opened.unit() == "frame");
  REQUIRE(opened.items().size() == 3);
  CHECK(opened.items()[0].cluster == "a");
  CHECK(opened.items()[2].cluster == "fr/a");
  CHECK(opened.items()[2].text == "oui");
  CHECK(opened.rows_of(Split::test).size() == 7);
  CHECK(opened.origin(6).item == 2);
  CHECK(opened.origin(6).frame == 1);

  CHECK(has(sidecar(R"({"id": "a", "rows": 5})"), "x.rows.json] expected 12 rows in all items"));
  CHECK(has(sidecar(R"({"id": "a", "rows": -1})"), "expected a number of rows at a"));
  CHECK(has(sidecar(R"({"id": "a", "rows": 12, "split": "valid"})"), "train, dev or test"));
  CHECK(has(sidecar(R"({"rows": 12})"), "id"));
  CHECK(has(sidecar("", R"(, "unit": "patches")"), "row, frame or token"));
  io::write_file(folder.path() / "x.rows.json", "[]");
  CHECK(has(error_of([&] { Store::open(folder.path() / "x.npy"); }), "x.rows.json"));
}
