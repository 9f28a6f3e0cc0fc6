#include "otoscope/io/sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <utility>

#include "otoscope/core/errors.h"

namespace otoscope::io {
namespace fs = std::filesystem;

namespace {

/// What SQLite says, with what to do where that is known.
UserError sqlite_error(const fs::path& path, const std::string& problem) {
  const bool full = problem.ends_with(sqlite3_errstr(SQLITE_FULL));
  return {path.string(), problem, full ? "free some room on the disk" : ""};
}

}  // namespace

struct Database::Impl {
  sqlite3* handle = nullptr;
  fs::path path;
  ~Impl() { sqlite3_close_v2(handle); }

  void check(int status) const {
    if (status != SQLITE_OK) fail();
  }
  [[noreturn]] void fail() const {
    throw sqlite_error(path, std::string("SQLite says: ") + sqlite3_errmsg(handle));
  }
};

struct Statement::Impl {
  std::shared_ptr<Database::Impl> database;
  sqlite3_stmt* handle = nullptr;
  ~Impl() { sqlite3_finalize(handle); }
};

Statement::Statement() : impl_(std::make_unique<Impl>()) {}
Statement::~Statement() = default;
Statement::Statement(Statement&&) noexcept = default;
Statement& Statement::operator=(Statement&&) noexcept = default;

Statement& Statement::bind(int position, int64_t value) {
  impl_->database->check(sqlite3_bind_int64(impl_->handle, position, value));
  return *this;
}
Statement& Statement::bind(int position, double value) {
  impl_->database->check(sqlite3_bind_double(impl_->handle, position, value));
  return *this;
}
Statement& Statement::bind(int position, std::string_view text) {
  impl_->database->check(sqlite3_bind_text64(impl_->handle, position,
                                             text.empty() ? "" : text.data(), text.size(),
                                             SQLITE_TRANSIENT, SQLITE_UTF8));
  return *this;
}
Statement& Statement::bind(int position, Bytes blob) {
  // A null pointer would bind NULL, which is not an empty blob.
  const void* data = blob.empty() ? static_cast<const void*>("") : blob.data();
  impl_->database->check(
      sqlite3_bind_blob64(impl_->handle, position, data, blob.size(), SQLITE_TRANSIENT));
  return *this;
}
Statement& Statement::bind_null(int position) {
  impl_->database->check(sqlite3_bind_null(impl_->handle, position));
  return *this;
}

bool Statement::step() {
  const int status = sqlite3_step(impl_->handle);
  if (status == SQLITE_ROW) return true;
  if (status != SQLITE_DONE) {
    const std::string message = sqlite3_errmsg(impl_->database->handle);
    sqlite3_reset(impl_->handle);
    throw sqlite_error(impl_->database->path, "SQLite says: " + message);
  }
  sqlite3_reset(impl_->handle);
  return false;
}
void Statement::reset() { sqlite3_reset(impl_->handle); }

int Statement::columns() const { return sqlite3_column_count(impl_->handle); }
std::string Statement::column_name(int column) const {
  const char* name = sqlite3_column_name(impl_->handle, column);
  return name != nullptr ? name : "";
}
bool Statement::is_null(int column) const {
  return sqlite3_column_type(impl_->handle, column) == SQLITE_NULL;
}
int64_t Statement::integer(int column) const { return sqlite3_column_int64(impl_->handle, column); }
double Statement::number(int column) const { return sqlite3_column_double(impl_->handle, column); }
std::string Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(impl_->handle, column));
  const int size = sqlite3_column_bytes(impl_->handle, column);
  return data != nullptr ? std::string(data, static_cast<size_t>(size)) : std::string();
}
std::string Statement::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(impl_->handle, column));
  const int size = sqlite3_column_bytes(impl_->handle, column);
  return data != nullptr ? std::string(data, static_cast<size_t>(size)) : std::string();
}

Database::Database(const fs::path& path, Mode mode) : path_(path), impl_(std::make_shared<Impl>()) {
  impl_->path = path;
  const int flags =
      mode == Mode::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  if (mode == Mode::read && !fs::exists(path))
    throw UserError(path.string(), "cannot open: No such file or directory", "check the path");
  if (sqlite3_open_v2(path.c_str(), &impl_->handle, flags, nullptr) != SQLITE_OK) impl_->fail();
  sqlite3_extended_result_codes(impl_->handle, 1);
  sqlite3_busy_timeout(impl_->handle, 2000);
  // A hostile file must not reach functions or memory through its schema.
  sqlite3_db_config(impl_->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(impl_->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  // Opening is lazy: look at the schema now, so that another kind of file is refused here.
  execute("SELECT count(*) FROM sqlite_schema");
}
Database::~Database() = default;
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;

void Database::execute(const std::string& sql) {
  impl_->check(sqlite3_exec(impl_->handle, sql.c_str(), nullptr, nullptr, nullptr));
}

Statement Database::prepare(std::string_view sql) const {
  Statement statement;
  statement.impl_->database = impl_;
  impl_->check(sqlite3_prepare_v2(impl_->handle, sql.data(), static_cast<int>(sql.size()),
                                  &statement.impl_->handle, nullptr));
  return statement;
}

int64_t Database::last_row() const { return sqlite3_last_insert_rowid(impl_->handle); }

Transaction::Transaction(Database& database) : database_(database) { database_.execute("BEGIN"); }
Transaction::~Transaction() {
  if (!open_) return;
  try {
    database_.execute("ROLLBACK");
  } catch (const UserError&) {
    // A failed statement may have ended the transaction already.
  }
}
void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

void write_database(const fs::path& path, const std::function<void(Database&)>& fill) {
  const fs::path aside = path.string() + ".tmp-" + std::to_string(::getpid());
  struct Remove {
    const fs::path& aside;
    ~Remove() {
      std::error_code ignored;
      fs::remove(aside, ignored);
    }
  } const remove{aside};
  std::error_code ignored;
  fs::remove(aside, ignored);
  try {
    Database database(aside, Database::Mode::write);
    // Nobody sees the file before it is whole, so a journal would protect nothing.
    database.execute("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF");
    Transaction transaction(database);
    fill(database);
    transaction.commit();
  } catch (const UserError& error) {
    if (error.where() != aside.string()) throw;
    throw sqlite_error(path, error.problem());
  }
  const int descriptor = ::open(aside.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && ::fsync(descriptor) == 0;
  if (descriptor >= 0) ::close(descriptor);
  std::error_code error;
  fs::rename(aside, path, error);
  if (error || !synced)
    throw UserError(path.string(), "cannot write: " + (error ? error.message() : "fsync failed"));
}

}  // namespace otoscope::io
