#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "otoscope/core/errors.h"
#include "otoscope/io/file.h"

namespace otoscope::io {

FolderLock::FolderLock(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / ".lock";
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0)
    throw UserError(folder.string(), std::string("cannot lock: ") + std::strerror(errno));
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    ::close(descriptor_);
    if (error == EWOULDBLOCK)
      throw UserError(folder.string(), "another otoscope is writing here",
                      "wait for it, or choose another --out");
    throw UserError(folder.string(), std::string("cannot lock: ") + std::strerror(error));
  }
}

// The file stays: removing it would let a third process lock a new file while a second one waits.
FolderLock::~FolderLock() { ::close(descriptor_); }

}  // namespace otoscope::io
