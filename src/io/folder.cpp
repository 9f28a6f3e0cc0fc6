#include "otoscope/io/folder.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <string>
#include <vector>

#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"

namespace otoscope::io {
namespace fs = std::filesystem;
namespace {

/// A path without a slash at its end, so that it has a name.
fs::path named(const fs::path& path) {
  const fs::path normal = fs::absolute(path).lexically_normal();
  return normal.has_filename() ? normal : normal.parent_path();
}

/// Folders aside whose process is gone.
void sweep(const fs::path& target) {
  const std::string prefix = target.filename().string() + ".tmp-";
  std::error_code ignored;
  std::vector<fs::path> dead;
  for (const auto& entry : fs::directory_iterator(target.parent_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    pid_t process = 0;
    const char* end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + prefix.size(), end, process);
    if (error == std::errc() && stop == end && process > 0 && ::kill(process, 0) != 0 &&
        errno == ESRCH)
      dead.push_back(entry.path());
  }
  for (const fs::path& path : dead) fs::remove_all(path, ignored);
}

}  // namespace

AtomicFolder::AtomicFolder(const fs::path& target) : target_(named(target)) {
  std::error_code ignored;
  if (fs::exists(target_, ignored) &&
      !(fs::is_directory(target_, ignored) && fs::is_empty(target_, ignored)))
    throw UserError(target.string(), "expected a new or empty folder, got one with files in it",
                    "give another folder");
  make_folder(target_.parent_path());
  sweep(target_);
  aside_ = target_.string() + ".tmp-" + std::to_string(::getpid());
  fs::remove_all(aside_, ignored);
  make_folder(aside_);
}

AtomicFolder::~AtomicFolder() {
  std::error_code ignored;
  if (!aside_.empty()) fs::remove_all(aside_, ignored);
}

void AtomicFolder::commit() {
  std::error_code error;
  fs::rename(aside_, target_, error);  // over an empty folder too
  if (error)
    throw UserError(target_.string(), "expected to put the folder in place, got " + error.message(),
                    "give another folder");
  aside_.clear();
}

}  // namespace otoscope::io
