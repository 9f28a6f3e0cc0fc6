#include "otoscope/io/sqlite.h"

#include <doctest/doctest.h>

#include "otoscope/io/hash.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using testing::error_of;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
int64_t entries_of(const std::filesystem::path& folder) {
  int64_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}
void fill(io::Database& database) {
  database.execute("CREATE TABLE t (i INTEGER, x REAL, s TEXT, b BLOB)");
  auto insert = database.prepare("INSERT INTO t VALUES (?, ?, ?, ?)");
  const std::string blob("a\0b", 3);
  insert.run(int64_t{1} << 60, 0.1, "naïve", std::as_bytes(std::span(blob)));
  insert.run(2, 2.0, std::string("two"), io::Bytes());
}

}  // namespace

TEST_CASE("rows of every kind come back") {
  const testing::TemporaryFolder folder;
  const auto path = folder.path() / "x.sqlite";
  io::write_database(path, fill);
  CHECK(entries_of(folder.path()) == 1);
  const io::Database database(path);
  auto select = database.prepare("SELECT i, x, s, b, NULL AS n FROM t WHERE i >= ? ORDER BY i");
  select.bind(1, 2);
  CHECK(select.columns() == 5);
  CHECK(select.column_name(4) == "n");
  REQUIRE(select.step());
  CHECK(select.integer(0) == 2);
  CHECK(select.text(2) == "two");
  CHECK(select.blob(3).empty());
  CHECK(!select.is_null(3));
  CHECK(select.is_null(4));
  REQUIRE(select.step());
  CHECK(select.integer(0) == int64_t{1} << 60);
  CHECK(select.number(1) == 0.1);
  CHECK(select.text(2) == "naïve");
  CHECK(select.blob(3) == std::string("a\0b", 3));
  CHECK(!select.step());
  select.bind(1, 3);
  REQUIRE(select.step());
  CHECK(select.integer(0) == int64_t{1} << 60);
}

TEST_CASE("equal statements give equal bytes") {
  const testing::TemporaryFolder folder;
  io::write_database(folder.path() / "1", fill);
  io::write_database(folder.path() / "2", fill);
  CHECK(io::sha256_file(folder.path() / "1") == io::sha256_file(folder.path() / "2"));
}

TEST_CASE("a fill that fails leaves the old database") {
  const testing::TemporaryFolder folder;
  const auto path = folder.path() / "x.sqlite";
  io::write_database(path, fill);
  const std::string before = io::sha256_file(path);
  CHECK(has(error_of([&] {
              io::write_database(path, [](io::Database& database) {
                fill(database);
                database.execute("INSERT INTO absent VALUES (1)");
              });
            }),
            "[" + path.string() + "] SQLite says: no such table: absent"));
  CHECK(error_of([&] {
          io::write_database(path, [](io::Database&) { throw UserError("site", "is wrong"); });
        }) == "[site] is wrong.");
  CHECK(io::sha256_file(path) == before);
  CHECK(entries_of(folder.path()) == 1);
}

TEST_CASE("a database without room says what to do, and leaves the old one") {
  const testing::TemporaryFolder folder;
  const auto path = folder.path() / "d.sqlite";
  io::write_database(path, fill);
  const std::string before = io::sha256_file(path);
  const std::string error = error_of([&] {
    io::write_database(path, [](io::Database& database) {
      database.execute("PRAGMA max_page_count = 8");
      database.execute("CREATE TABLE t (s TEXT)");
      auto insert = database.prepare("INSERT INTO t VALUES (?)");
      for (int i = 0; i < 1000; ++i) insert.run(std::string(1000, 'x'));
    });
  });
  CHECK(has(error, "SQLite says: database or disk is full. Hint: free some room on the disk."));
  CHECK(io::sha256_file(path) == before);
  CHECK(entries_of(folder.path()) == 1);
}

TEST_CASE("a transaction that is not committed never was") {
  const testing::TemporaryFolder folder;
  io::Database database(folder.path() / "x", io::Database::Mode::write);
  database.execute("CREATE TABLE t (i INTEGER UNIQUE)");
  {
    io::Transaction transaction(database);
    database.execute("INSERT INTO t VALUES (1)");
    CHECK(database.last_row() == 1);
  }
  {
    io::Transaction transaction(database);
    database.execute("INSERT INTO t VALUES (2)");
    transaction.commit();
  }
  auto insert = database.prepare("INSERT INTO t VALUES (?)");
  CHECK(has(error_of([&] { insert.run(2); }), "UNIQUE constraint failed"));
  insert.run(3);
  auto count = database.prepare("SELECT count(*), min(i) FROM t");
  REQUIRE(count.step());
  CHECK(count.integer(0) == 2);
  CHECK(count.integer(1) == 2);
}

TEST_CASE("what is not a database is refused at opening") {
  const testing::TemporaryFolder folder;
  const auto path = folder.path() / "x";
  CHECK(has(error_of([&] { io::Database database(path); }), "No such file"));
  CHECK(!std::filesystem::exists(path));
  io::write_file(path, std::string(5000, 'x'));
  CHECK(has(error_of([&] { io::Database database(path); }), "file is not a database"));
  CHECK(has(error_of([&] { io::Database database(folder.path()); }), "SQLite says"));
  CHECK(has(error_of([&] { io::write_database(folder.path() / "no" / "x", [](io::Database&) {}); }),
            "unable to open"));
}
