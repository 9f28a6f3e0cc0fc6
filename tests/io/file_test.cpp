#include "otoscope/io/file.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "otoscope/core/errors.h"
#include "support/close.h"
#include "support/errors.h"

using namespace otoscope;
using testing::error_of;
namespace fs = std::filesystem;

namespace {

int64_t entries_of(const fs::path& folder) {
  int64_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder)) ++count;
  return count;
}

}  // namespace

TEST_CASE("a written file reads back, byte for byte") {
  const testing::TemporaryFolder folder;
  const fs::path path = folder.path() / "a.bin";
  const std::string text("one\0two\xff", 8);
  io::write_file(path, text);
  CHECK(io::read_file(path) == text);
  const io::MappedFile mapped(path);
  REQUIRE(mapped.bytes().size() == text.size());
  CHECK(std::memcmp(mapped.bytes().data(), text.data(), text.size()) == 0);
  CHECK(entries_of(folder.path()) == 1);
}

TEST_CASE("an empty file is read and mapped as nothing") {
  const testing::TemporaryFolder folder;
  io::write_file(folder.path() / "empty", "");
  CHECK(io::read_file(folder.path() / "empty").empty());
  CHECK(io::MappedFile(folder.path() / "empty").bytes().empty());
}

TEST_CASE("a missing file, a folder and a long file are one-line errors that name the path") {
  const testing::TemporaryFolder folder;
  const fs::path absent = folder.path() / "absent";
  CHECK(error_of([&] { io::read_file(absent); }) ==
        "[" + absent.string() + "] cannot open: No such file or directory. Hint: check the path.");
  CHECK(error_of([&] { io::MappedFile mapped(absent); }).find("cannot open") != std::string::npos);
  CHECK(error_of([&] { io::read_file(folder.path()); }).find("got a folder") != std::string::npos);
  CHECK(error_of([&] { io::MappedFile mapped(folder.path()); }).find("got a folder") !=
        std::string::npos);
  io::write_file(folder.path() / "long", std::string(2000, 'x'));
  CHECK(error_of([&] {
          io::read_file(folder.path() / "long", 1000);
        }).find("expected at most 1.0 kB, got 2.0 kB") != std::string::npos);
  CHECK(error_of([&] { io::read_file("/dev/zero", 100000); }).find("expected at most 100.0 kB") !=
        std::string::npos);
}

TEST_CASE("a write without commit leaves the old file and nothing else") {
  const testing::TemporaryFolder folder;
  const fs::path path = folder.path() / "kept";
  io::write_file(path, "old");
  {
    io::AtomicFile file(path);
    file.write("new");
    CHECK(file.written() == 3);
    CHECK(io::read_file(path) == "old");
  }
  CHECK(io::read_file(path) == "old");
  CHECK(entries_of(folder.path()) == 1);
}

TEST_CASE("a write that cannot begin says so") {
  const testing::TemporaryFolder folder;
  CHECK(error_of([&] { io::write_file(folder.path(), "x"); }).find("got a folder") !=
        std::string::npos);
  CHECK(error_of([&] { io::write_file(folder.path() / "no" / "x", "x"); }).find("cannot write") !=
        std::string::npos);
}

TEST_CASE("a full disk is an error") {
  const std::string message = error_of([] { io::write_file("/dev/full", "x"); });
  CHECK(message ==
        "[/dev/full] cannot write: No space left on device. Hint: free some room on the disk.");
  CHECK(fs::is_character_file("/dev/full"));
}

TEST_CASE("a file beyond the size limit is an error, and the old file stays") {
  const testing::TemporaryFolder folder;
  const fs::path path = folder.path() / "limited";
  io::write_file(path, "old");
  const pid_t child = ::fork();
  if (child == 0) {  // the limit binds a whole process, so a child bears it
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string message = error_of([&] { io::write_file(path, std::string(5000, 'x')); });
    ::_exit(message.find("cannot write: File too large") != std::string::npos ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(io::read_file(path) == "old");
  CHECK(entries_of(folder.path()) == 1);
}

TEST_CASE("names from files stay inside their folder") {
  CHECK(io::inside("a", "b/c.bin", "index.json") == fs::path("a/b/c.bin"));
  for (const char* bad : {"", "/etc/passwd", "../x", "b/../../x", ".."})
    CHECK(error_of([&] { io::inside("a", bad, "index.json"); }) ==
          "[index.json] expected a file name inside the folder, got \"" + std::string(bad) + "\".");
  CHECK(io::inside("a", "..x", "index.json") == fs::path("a/..x"));
}

TEST_CASE("a locked folder refuses a second writer until it is free") {
  const testing::TemporaryFolder folder;
  {
    const io::FolderLock first(folder.path());
    CHECK(error_of([&] {
            io::FolderLock second(folder.path());
          }).find("another otoscope is writing here") != std::string::npos);
  }
  CHECK_NOTHROW(io::FolderLock(folder.path()));
}

TEST_CASE("folders are made deep, and a file in the way is an error") {
  const testing::TemporaryFolder folder;
  io::make_folder(folder.path() / "a" / "b");
  CHECK(fs::is_directory(folder.path() / "a" / "b"));
  io::make_folder(folder.path() / "a");
  io::write_file(folder.path() / "file", "x");
  CHECK(error_of([&] {
          io::make_folder(folder.path() / "file");
        }).find("cannot make this folder") != std::string::npos);
  CHECK(error_of([&] {
          io::make_folder(folder.path() / "file" / "b");
        }).find("cannot make this folder") != std::string::npos);
  CHECK(io::free_bytes(folder.path() / "not" / "yet") > 0);
}
