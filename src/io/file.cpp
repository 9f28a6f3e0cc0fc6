#include "otoscope/io/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "otoscope/core/errors.h"
#include "otoscope/core/text.h"

namespace otoscope::io {
namespace fs = std::filesystem;
namespace {

[[noreturn]] void fail(const fs::path& path, const char* doing, int error) {
  const char* hint = "";
  if (error == ENOENT) hint = "check the path";
  if (error == EACCES) hint = "check the permissions";
  if (error == ENOSPC || error == EDQUOT) hint = "free some room on the disk";
  if (error == EFBIG) hint = "raise the limit on file sizes (ulimit -f)";
  throw UserError(path.string(), std::string("cannot ") + doing + ": " + std::strerror(error),
                  hint);
}

/// An open descriptor of a regular file (or of /dev/stdin and the like), closed at the end.
struct Input {
  explicit Input(const fs::path& path) : descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor < 0) fail(path, "open", errno);
    struct stat status {};
    if (::fstat(descriptor, &status) != 0) {
      const int error = errno;
      ::close(descriptor);
      fail(path, "open", error);
    }
    if (S_ISDIR(status.st_mode)) {
      ::close(descriptor);
      throw UserError(path.string(), "expected a file, got a folder");
    }
    regular = S_ISREG(status.st_mode);
    size = status.st_size;
  }
  ~Input() { ::close(descriptor); }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  int descriptor;
  bool regular = false;
  int64_t size = 0;
};

/// fsync of the folder makes the rename itself durable; some file systems cannot, which is no loss
/// of wholeness.
void sync_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

}  // namespace

std::string read_file(const fs::path& path, int64_t limit) {
  const Input input(path);
  const auto too_long = [&](int64_t size) {
    throw UserError(path.string(), "expected at most " + human_bytes(limit) + ", got " +
                                       (input.regular ? human_bytes(size) : "more"));
  };
  if (input.regular && input.size > limit) too_long(input.size);
  std::string text;
  text.resize(input.regular ? static_cast<size_t>(input.size) : 0);
  size_t filled = 0;
  // Read to the end, not to the stated size: pipes have none and files may grow.
  while (true) {
    if (filled == text.size()) text.resize(filled + (filled == 0 ? 4096 : 65536));
    const ssize_t got = ::read(input.descriptor, text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail(path, "read", errno);
    if (got == 0) break;
    filled += static_cast<size_t>(got);
    if (static_cast<int64_t>(filled) > limit) too_long(static_cast<int64_t>(filled));
  }
  text.resize(filled);
  return text;
}

MappedFile::MappedFile(const fs::path& path) : path_(path) {
  const Input input(path);
  if (!input.regular) throw UserError(path.string(), "expected a regular file");
  size_ = static_cast<size_t>(input.size);
  if (size_ == 0) return;  // an empty range cannot be mapped
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, input.descriptor, 0);
  if (address == MAP_FAILED) fail(path, "map", errno);
  data_ = static_cast<const std::byte*>(address);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      path_(std::move(other.path_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(path_, other.path_);
  return *this;
}

AtomicFile::AtomicFile(fs::path path) : path_(std::move(path)) {
  std::error_code ignored;
  if (fs::is_directory(path_, ignored))
    throw UserError(path_.string(), "expected a file name, got a folder");
  // A device (/dev/stdout, /dev/full) is written in place: renaming over it would replace it.
  const bool device = fs::exists(path_, ignored) && !fs::is_regular_file(path_, ignored);
  if (!device) aside_ = path_.string() + ".tmp-" + std::to_string(::getpid());
  const fs::path& target = device ? path_ : aside_;
  descriptor_ =
      ::open(target.c_str(),
             device ? O_WRONLY | O_CLOEXEC : O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor_ < 0) fail(path_, "write", errno);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!aside_.empty()) ::unlink(aside_.c_str());
}

void AtomicFile::write(Bytes bytes) {
  OTO_ASSERT(descriptor_ >= 0);
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail(path_, "write", errno);
    bytes = bytes.subspan(static_cast<size_t>(put));
    written_ += put;
  }
}

void AtomicFile::commit() {
  OTO_ASSERT(descriptor_ >= 0);
  // EINVAL and ENOTSUP: a pipe or a device, which has nothing to sync.
  if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != ENOTSUP) fail(path_, "write", errno);
  if (::close(std::exchange(descriptor_, -1)) != 0) fail(path_, "write", errno);
  if (aside_.empty()) return;
  if (::rename(aside_.c_str(), path_.c_str()) != 0) fail(path_, "write", errno);
  aside_.clear();
  sync_folder(path_.parent_path());
}

void write_file(const fs::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

void make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!fs::is_directory(path))
    throw UserError(path.string(), "cannot make this folder: " +
                                       (error ? error.message() : "a file has this name"));
}

int64_t free_bytes(const fs::path& path) {
  std::error_code error;
  fs::path place = fs::absolute(path, error);
  while (!fs::exists(place, error) && place.has_relative_path()) place = place.parent_path();
  const fs::space_info space = fs::space(place, error);
  if (error) throw UserError(path.string(), "cannot tell the room on its disk: " + error.message());
  return static_cast<int64_t>(space.available);
}

fs::path inside(const fs::path& folder, std::string_view name, std::string_view where) {
  const fs::path relative{std::string(name)};
  bool climbs = name.empty() || relative.is_absolute() || name.find('\0') != name.npos;
  for (const fs::path& part : relative) climbs = climbs || part == "..";
  if (climbs)
    throw UserError(where,
                    "expected a file name inside the folder, got \"" + std::string(name) + "\"");
  return folder / relative;
}

}  // namespace otoscope::io
