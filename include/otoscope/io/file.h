#pragma once
/// Files: whole reads with a limit, memory maps, and writes that are either whole or absent.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace otoscope::io {

using Bytes = std::span<const std::byte>;

/// The whole file. Missing, a folder, unreadable or longer than `limit`: a UserError that names the
/// path.
std::string read_file(const std::filesystem::path& path, int64_t limit = int64_t{1} << 30);

/// A read-only memory map that lives as long as the object.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  Bytes bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  std::filesystem::path path_;
};

/// Writes aside (PATH.tmp-PID), syncs, then renames over PATH on commit(); without commit nothing
/// is left. A full disk or any failed write: UserError, and the old file stays.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(Bytes bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  int64_t written() const { return written_; }
  void commit();

 private:
  std::filesystem::path path_, aside_;
  int descriptor_ = -1;
  int64_t written_ = 0;
};

void write_file(const std::filesystem::path& path, std::string_view text);

/// mkdir -p, with a UserError on failure.
void make_folder(const std::filesystem::path& path);
/// Bytes free on the disk that holds `path` (or its nearest existing parent).
int64_t free_bytes(const std::filesystem::path& path);
/// Keeps a relative name from a file inside `folder`: absolute names and ".." are refused.
std::filesystem::path inside(const std::filesystem::path& folder, std::string_view name,
                             std::string_view where);

/// One process at a time in a folder: an flock on FOLDER/.lock, released at destruction.
class FolderLock {
 public:
  explicit FolderLock(const std::filesystem::path& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int descriptor_ = -1;
};

}  // namespace otoscope::io
