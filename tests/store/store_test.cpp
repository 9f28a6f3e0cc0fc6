#include "otoscope/store/store.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "otoscope/core/half.h"
#include "otoscope/core/threads.h"
#include "otoscope/io/file.h"
#include "otoscope/io/hash.h"
#include "otoscope/io/npy.h"
#include "otoscope/io/safetensors.h"
#include "store/synthetic.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using store::Split;
using store::Store;
using testing::error_of;
using testing::synthetic;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
void write(const fs::path& folder, const testing::Synthetic& made, int64_t shard_rows = 50) {
  store::write_store(folder, made.header, made.items, made.origins, made.x.view(), shard_rows);
}
std::string hash_of_files(const fs::path& folder) {
  std::string all;
  std::set<fs::path> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path());
  for (const fs::path& name : names) all += name.filename().string() + io::sha256_file(name);
  return io::sha256(all);
}
void replace_in(const fs::path& path, const std::string& from, const std::string& to) {
  std::string text = io::read_file(path);
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  io::write_file(path, text.replace(at, from.size(), to));
}

}  // namespace

TEST_CASE("a store gives back rows, origins and items") {
  for (const std::string dtype : {"f32", "f16"}) {
    const testing::TemporaryFolder folder;
    auto made = synthetic(60, 5, dtype);
    write(folder.path() / "s", made);
    const auto opened = Store::open(folder.path() / "s");
    CHECK(opened.rows() == made.x.shape()[0]);
    CHECK(opened.d() == 5);
    CHECK(opened.site() == "encoder.out");
    CHECK(opened.model_name() == "synthetic");
    CHECK(opened.unit() == "frame");
    CHECK(!opened.packed());
    if (dtype == "f16")
      for (int64_t i = 0; i < made.x.size(); ++i) made.x[i] = to_float(to_f16(made.x[i]));
    Tensor<float> all(made.x.shape());
    opened.read(0, all.view());
    CHECK_CLOSE(all.view(), made.x.view(), 0);

    const std::vector<int64_t> rows = {7, 0, opened.rows() - 1, 7, 50, 49};
    Tensor<float> some({6, 5});
    opened.gather(rows, some.view());
    for (int64_t i = 0; i < 6; ++i) {
      for (int64_t j = 0; j < 5; ++j)
        CHECK(some.at(i, j) == made.x.at(rows[static_cast<size_t>(i)], j));
    }
    for (int64_t row = 0; row < opened.rows(); ++row) {
      const auto got = opened.origin(row), want = made.origins[static_cast<size_t>(row)];
      CHECK(got.item == want.item);
      CHECK(got.frame == want.frame);
      CHECK(got.window == want.window);
      CHECK(got.position == want.position);
    }
    REQUIRE(opened.items().size() == made.items.size());
    for (size_t i = 0; i < made.items.size(); ++i) {
      const store::Item &got = opened.items()[i], &want = made.items[i];
      CHECK(got.id == want.id);
      CHECK(got.text == want.text);
      CHECK(got.split == want.split);
      CHECK(got.cluster == want.cluster);
      CHECK(got.duration_s == want.duration_s);
      CHECK(got.first_row == want.first_row);
      CHECK(got.n_rows == want.n_rows);
    }
    CHECK_NOTHROW(opened.verify());
    CHECK(opened.hash() == io::sha256_file(folder.path() / "s" / "index.json"));
    CHECK(!fs::exists(folder.path() / "s" / "journal.json"));
  }
}

TEST_CASE("splits partition the rows") {
  const testing::TemporaryFolder folder;
  const auto made = synthetic(40, 3);
  write(folder.path() / "s", made);
  const auto opened = Store::open(folder.path() / "s");
  std::set<int64_t> seen;
  for (const Split split : {Split::train, Split::dev, Split::test}) {
    const auto rows = opened.rows_of(split);
    CHECK(std::is_sorted(rows.begin(), rows.end()));
    for (const int64_t row : rows) {
      CHECK(seen.insert(row).second);
      const auto& item = opened.items()[static_cast<size_t>(opened.origin(row).item)];
      CHECK(store::split_named(item.split) == split);
    }
  }
  CHECK(static_cast<int64_t>(seen.size()) == opened.rows());
  CHECK(opened.rows_of(Split::all).size() == seen.size());
  CHECK(
      has(error_of([] { store::split_named("valid"); }), "expected one of all, train, dev, test"));
}

TEST_CASE("statistics are those of the train rows") {
  const testing::TemporaryFolder folder;
  const auto made = synthetic(60, 4);
  write(folder.path() / "s", made);
  const auto opened = Store::open(folder.path() / "s");
  const auto rows = opened.rows_of(Split::train);
  const auto n = static_cast<double>(rows.size());
  std::vector<double> mean(4);
  double norm = 0, squared = 0, variance = 0;
  for (const int64_t row : rows) {
    double squares = 0;
    for (int64_t j = 0; j < 4; ++j) {
      mean[static_cast<size_t>(j)] += made.x.at(row, j) / n;
      squares += std::pow(made.x.at(row, j), 2);
    }
    norm += std::sqrt(squares) / n;
    squared += squares / n;
  }
  for (const int64_t row : rows)
    for (int64_t j = 0; j < 4; ++j)
      variance += std::pow(made.x.at(row, j) - mean[static_cast<size_t>(j)], 2) / n;
  const store::Statistics& got = opened.statistics();
  CHECK(got.rows == static_cast<int64_t>(rows.size()));
  CHECK(got.split == "train");
  for (size_t j = 0; j < 4; ++j) CHECK(got.mean[j] == doctest::Approx(mean[j]).epsilon(1e-12));
  CHECK(got.mean_norm == doctest::Approx(norm).epsilon(1e-12));
  CHECK(got.mean_squared_norm == doctest::Approx(squared).epsilon(1e-12));
  CHECK(got.variance == doctest::Approx(variance).epsilon(1e-12));
  // at the geometric median the unit vectors to all points cancel
  std::vector<double> pull(4);
  for (const int64_t row : rows) {
    double distance = 0;
    for (int64_t j = 0; j < 4; ++j)
      distance += std::pow(made.x.at(row, j) - got.geometric_median[static_cast<size_t>(j)], 2);
    for (int64_t j = 0; j < 4; ++j)
      pull[static_cast<size_t>(j)] +=
          (made.x.at(row, j) - got.geometric_median[static_cast<size_t>(j)]) / std::sqrt(distance) /
          n;
  }
  for (const double force : pull) CHECK(std::fabs(force) < 1e-4);
}

TEST_CASE("a store without train rows has the statistics of all rows, one without rows has none") {
  const testing::TemporaryFolder folder;
  auto made = synthetic(10, 2);
  for (auto& item : made.items) item.split = "test";
  write(folder.path() / "s", made);
  CHECK(Store::open(folder.path() / "s").statistics().split == "all");
  CHECK(Store::open(folder.path() / "s").statistics().rows == made.x.shape()[0]);

  auto empty = synthetic(0, 2);
  write(folder.path() / "e", empty);
  const auto opened = Store::open(folder.path() / "e");
  CHECK(opened.rows() == 0);
  CHECK(opened.statistics().rows == 0);
  CHECK(opened.rows_of(Split::all).empty());
  CHECK_NOTHROW(opened.verify());
  CHECK(has(error_of([&] { store::Shuffled(opened, Split::train, 4, 0); }), "expected rows"));
}

TEST_CASE("the bytes do not depend on the threads, nor on a second run") {
  const testing::TemporaryFolder folder;
  const auto made = synthetic(300, 6, "f16");
  const int before = threads();
  set_threads(1);
  write(folder.path() / "1", made);
  set_threads(4);
  write(folder.path() / "4", made);
  set_threads(before);
  const std::string hash = hash_of_files(folder.path() / "1");
  CHECK(hash == hash_of_files(folder.path() / "4"));
  write(folder.path() / "1", made);
  CHECK(hash == hash_of_files(folder.path() / "1"));
}

TEST_CASE("a writer that died after any shard goes on to the same bytes") {
  const testing::TemporaryFolder folder;
  const auto made = synthetic(60, 3, "f16");
  write(folder.path() / "whole", made);
  const std::string whole = hash_of_files(folder.path() / "whole");
  const int64_t rows = made.x.shape()[0];
  for (int64_t alive = 0; alive <= rows / 50; ++alive) {
    const fs::path path = folder.path() / std::to_string(alive);
    {
      store::Writer writer(path, made.header, made.items);
      for (int64_t shard = 0; shard < alive; ++shard) {
        writer.append(std::span(made.origins).subspan(static_cast<size_t>(50 * shard), 50),
                      made.x.view().slice(50 * shard, 50 * shard + 50));
        writer.end_shard();
      }
      // rows of a shard that was never ended, and a file that was being written
      if (50 * alive + 10 < rows)
        writer.append(std::span(made.origins).subspan(static_cast<size_t>(50 * alive), 10),
                      made.x.view().slice(50 * alive, 50 * alive + 10));
      io::write_file(path / "shard-00009.safetensors.tmp-1", "half");
    }
    CHECK(has(error_of([&] { Store::open(path); }), "the extraction was not finished"));
    CHECK(store::Writer(path, made.header, made.items).rows_done() == 50 * alive);
    write(path, made);
    CHECK(hash_of_files(path) == whole);
  }
}

TEST_CASE("a shard that was changed before a resume is written again") {
  const testing::TemporaryFolder folder;
  const auto made = synthetic(60, 3);
  write(folder.path() / "whole", made);
  const fs::path path = folder.path() / "s";
  {
    store::Writer writer(path, made.header, made.items);
    for (int64_t shard = 0; shard < 2; ++shard) {
      writer.append(std::span(made.origins).subspan(static_cast<size_t>(50 * shard), 50),
                    made.x.view().slice(50 * shard, 50 * shard + 50));
      writer.end_shard();
    }
  }
  io::write_file(path / "shard-00001.safetensors", "other");
  CHECK(store::Writer(path, made.header, made.items).rows_done() == 50);
  write(path, made);
  CHECK(hash_of_files(path) == hash_of_files(folder.path() / "whole"));
}

TEST_CASE("a folder made with other conditions is refused by name") {
  const testing::TemporaryFolder folder;
  const auto made = synthetic(10, 3);
  const fs::path finished = folder.path() / "s", begun = folder.path() / "t";
  write(finished, made);
  store::Writer(begun, made.header, made.items);
  for (const fs::path& path : {finished, begun}) {
    const auto refused = [&](auto&& change) {
      auto other = synthetic(10, 3);
      change(other);
      return error_of([&] { store::Writer(path, other.header, other.items); });
    };
    using Made = testing::Synthetic;
    CHECK(has(refused([](Made& m) { m.header.precision = "bf16"; }),
              "expected a store with precision=bf16, got one with precision=f32"));
    CHECK(has(refused([](Made& m) { m.header.dtype = "f16"; }), "store=f16"));
    CHECK(has(refused([](Made& m) { m.header.model_hash = "11"; }), "model=11"));
    CHECK(has(refused([](Made& m) { m.header.plan = {"shift=3"}; }), "shift=3, got one with"));
    CHECK(has(refused([](Made& m) { m.items[1].id = "x"; }), "items="));
    CHECK_NOTHROW(store::Writer(path, made.header, made.items));
  }
}

TEST_CASE("NaN, infinity and what f16 cannot hold are refused, with site, clip and frame") {
  for (const std::string dtype : {"f32", "f16"}) {
    const testing::TemporaryFolder folder;
    auto made = synthetic(20, 3, dtype);
    const store::Item& item = made.items[5];
    const int64_t row = item.first_row;
    REQUIRE(item.n_rows > 1);
    const auto refused = [&](float value) {
      made.x.at(row + 1, 2) = value;
      store::Writer writer(folder.path() / "s", made.header, made.items);
      return error_of([&] { writer.append(made.origins, made.x.view()); });
    };
    CHECK(has(refused(std::numeric_limits<float>::quiet_NaN()),
              "[encoder.out] expected finite activations, got NaN at frame 1 of clip 5"));
    CHECK(has(refused(INFINITY), "got infinity at frame 1 of clip 5"));
    if (dtype == "f16") {
      CHECK(has(refused(70000.f), "expected activations within f16 (65504), got 70000"));
      CHECK(has(refused(-70000.f), "use --store f32"));
      CHECK(refused(65504.f) == "nothing was thrown");
    } else {
      CHECK(refused(3e38f) == "nothing was thrown");
    }
    CHECK(!fs::exists(folder.path() / "s" / "shard-00000.safetensors"));
  }
}

TEST_CASE("decoder rows keep their step and token") {
  const testing::TemporaryFolder folder;
  auto made = synthetic(10, 2);
  made.header.unit = "token";
  made.header.site = "decoder.out";
  for (auto& origin : made.origins) origin.token = 100 + origin.frame;
  write(folder.path() / "s", made);
  const auto opened = Store::open(folder.path() / "s");
  CHECK(opened.unit() == "token");
  for (int64_t row = 0; row < opened.rows(); ++row) {
    const auto got = opened.origin(row), want = made.origins[static_cast<size_t>(row)];
    CHECK(got.item == want.item);
    CHECK(got.frame == want.frame);
    CHECK(got.position == want.frame);
    CHECK(got.token == want.token);
  }
}

TEST_CASE("broken stores are refused with the file's name") {
  const auto broken = [](auto&& harm) {
    const testing::TemporaryFolder folder;
    const auto made = synthetic(30, 3);
    write(folder.path() / "s", made, 60);
    harm(folder.path() / "s");
    return error_of([&] { Store::open(folder.path() / "s"); });
  };
  const auto index = [&](const std::string& from, const std::string& to) {
    return broken([&](const fs::path& path) { replace_in(path / "index.json", from, to); });
  };
  CHECK(
      has(broken([](const fs::path& path) { fs::remove_all(path); }), "got nothing of this name"));
  CHECK(has(broken([](const fs::path& path) { fs::remove(path / "index.json"); }), "got none"));
  CHECK(has(broken([](const fs::path& path) { fs::remove(path / "shard-00001.safetensors"); }),
            "shard-00001.safetensors] cannot open"));
  CHECK(has(
      broken([](const fs::path& path) { fs::resize_file(path / "shard-00000.safetensors", 300); }),
      "shard-00000.safetensors]"));
  CHECK(has(broken([](const fs::path& path) {
              fs::copy_file(path / "shard-00001.safetensors", path / "shard-00000.safetensors",
                            fs::copy_options::overwrite_existing);
              fs::resize_file(path / "index.json", 500);
            }),
            "index.json] expected JSON"));
  CHECK(has(broken([](const fs::path& path) {
              io::write_safetensors(path / "shard-00000.safetensors", {});
            }),
            "expected a tensor activations of dtype f32 and shape (60, 3)"));
  CHECK(has(index("\"version\": 1", "\"version\": 2"), "expected schema"));
  CHECK(has(index("otoscope.store", "otoscope.stork"), "expected schema"));
  CHECK(has(index("\"d\": 3", "\"d\": 4"), "expected 4 numbers at mean"));
  CHECK(has(index("\"d\": 3", "\"d\": 0"), "expected a width"));
  CHECK(has(index("\"dtype\": \"f32\"", "\"dtype\": \"f64\""), "expected f16 or f32"));
  CHECK(has(index("\"dtype\": \"f32\"", "\"dtype\": \"f16\""), "of dtype f16"));
  CHECK(has(index("\"first_row\":60", "\"first_row\":61"), "to begin at row 60, got row 61"));
  CHECK(has(index("\"first_row\":0,\"rows\"", "\"first_row\":1,\"rows\""), "to begin at row 0"));
  CHECK(has(index("shard-00001.safetensors", "../s/shard-00001.safetensors"), "inside the folder"));
  CHECK(has(index("\"rows\": ", "\"rows\": 1"), "the end of the shards"));
  CHECK(has(index("\"statistics\"", "\"statistic\""), "expected the key statistics"));
}

TEST_CASE("verify finds a changed byte, read finds a NaN") {
  const testing::TemporaryFolder folder;
  const auto made = synthetic(30, 3);
  write(folder.path() / "s", made, 60);
  const fs::path shard = folder.path() / "s" / "shard-00001.safetensors";
  std::string bytes = io::read_file(shard);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const uint64_t header = [&] {
    uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    return length;
  }();
  std::memcpy(bytes.data() + 8 + header + 3 * 4, &nan, 4);  // activations come first: row 61
  io::write_file(shard, bytes);
  const auto opened = Store::open(folder.path() / "s");
  CHECK(has(error_of([&] { opened.verify(); }), "shard-00001.safetensors] expected SHA-256"));
  Tensor<float> x({70, 3});
  CHECK(has(error_of([&] { opened.read(0, x.view()); }), "got NaN or infinity in row 61"));
  CHECK(has(error_of([&] { opened.gather(std::vector<int64_t>(70, 61), x.view()); }), "row 61"));
}

TEST_CASE("npy and safetensors of other tools are stores of blocks") {
  const testing::TemporaryFolder folder;
  Tensor<float> x({2500, 3});
  Rng rng(1, "foreign");
  for (int64_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(rng.normal());
  io::write_npy(folder.path() / "x.npy", x.view());
  io::write_safetensors(folder.path() / "x.safetensors", {io::named("activations", x.view())});
  for (const char* name : {"x.npy", "x.safetensors"}) {
    const auto opened = Store::open(folder.path() / name);
    CHECK(opened.rows() == 2500);
    CHECK(opened.d() == 3);
    CHECK(opened.unit() == "row");
    CHECK(opened.items().size() == 100);
    CHECK(opened.rows_of(Split::train).size() == 2000);
    CHECK(opened.rows_of(Split::dev).size() == 250);
    CHECK(opened.rows_of(Split::test).size() == 250);
    CHECK(opened.origin(26).item == 1);
    CHECK(opened.origin(26).frame == 1);
    CHECK(opened.statistics().rows == 2000);
    CHECK(opened.hash() == io::sha256_file(folder.path() / name));
    Tensor<float> all({2500, 3});
    opened.read(0, all.view());
    CHECK_CLOSE(all.view(), x.view(), 0);
    store::Shuffled shuffled(opened, Split::train, 32, 0);
    CHECK(shuffled.rows_per_epoch() == 2000);
  }
  Tensor<float> flat({6});
  io::write_npy(folder.path() / "flat.npy", flat.view());
  CHECK(has(error_of([&] { Store::open(folder.path() / "flat.npy"); }), "of shape (rows, d)"));
  io::write_safetensors(folder.path() / "y.safetensors", {io::named("x", x.view())});
  CHECK(has(error_of([&] { Store::open(folder.path() / "y.safetensors"); }), "activations"));
  const Tensor<int64_t> whole({2, 2});
  io::write_safetensors(folder.path() / "z.safetensors", {io::named("activations", whole.view())});
  CHECK(has(error_of([&] { Store::open(folder.path() / "z.safetensors"); }), "float dtype"));
}
