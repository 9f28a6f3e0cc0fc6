#pragma once
/// SQLite in three small types. Every failure is a UserError that names the file.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "otoscope/io/file.h"

namespace otoscope::io {

class Database;

/// A prepared statement: bind by position (1, 2, …), step over the rows, read columns (0, 1, …).
class Statement {
 public:
  ~Statement();
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;

  Statement& bind(int position, int64_t value);
  Statement& bind(int position, int value) { return bind(position, static_cast<int64_t>(value)); }
  Statement& bind(int position, double value);
  Statement& bind(int position, std::string_view text);
  Statement& bind(int position, const char* text) { return bind(position, std::string_view(text)); }
  Statement& bind(int position, Bytes blob);
  Statement& bind_null(int position);

  /// True while there is a row to read. At the end the statement is reset, its bindings kept.
  bool step();
  void reset();
  /// bind(1, …), bind(2, …) … then all steps: for inserts.
  template <class... Values>
  void run(const Values&... values) {
    int position = 0;
    (bind(++position, values), ...);
    while (step()) {
    }
  }

  int columns() const;
  std::string column_name(int column) const;
  bool is_null(int column) const;
  int64_t integer(int column) const;
  double number(int column) const;
  std::string text(int column) const;
  std::string blob(int column) const;

 private:
  friend class Database;
  Statement();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Database {
 public:
  enum class Mode { read, write };
  /// read: the file must exist. write: it is made where it does not.
  explicit Database(const std::filesystem::path& path, Mode mode = Mode::read);
  ~Database();
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;

  /// One or more statements without results.
  void execute(const std::string& sql);
  Statement prepare(std::string_view sql) const;
  /// Row id of the last insert.
  int64_t last_row() const;
  const std::filesystem::path& path() const { return path_; }

 private:
  friend class Statement;
  std::filesystem::path path_;
  struct Impl;
  std::shared_ptr<Impl> impl_;  // shared with statements, which may outlive the object
};

/// BEGIN now, ROLLBACK at the end unless commit() was called.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

/// Writes a new database in one transaction, aside, and renames it over `path` when `fill` returns:
/// whole or absent. Equal statements give equal bytes.
void write_database(const std::filesystem::path& path, const std::function<void(Database&)>& fill);

}  // namespace otoscope::io
