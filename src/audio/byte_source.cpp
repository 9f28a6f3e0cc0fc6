#include "audio/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "otoscope/core/errors.h"

extern "C" {
#include <libavformat/avio.h>
#include <libavutil/error.h>
#include <libavutil/mem.h>
}

namespace otoscope::audio {
namespace {

constexpr int kBufferBytes = 32768;

}  // namespace

std::unique_ptr<ByteSource> ByteSource::open(const std::filesystem::path& path) {
  const std::string name = path.string();
  // Not blocking: opening a named pipe would wait for its writer.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    throw UserError(name, std::string("cannot be opened: ") + std::strerror(errno),
                    "check the path and its permissions");
  std::unique_ptr<ByteSource> source(new ByteSource(descriptor, {}, name));
  struct stat status {};
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode))
    throw UserError(name,
                    S_ISDIR(status.st_mode) ? "expected an audio file, got a folder"
                                            : "expected an audio file, got a pipe or a device",
                    "name one audio or video file");
  source->size_ = status.st_size;
  if (source->size_ == 0)
    throw UserError(name, "expected audio, got an empty file", "fetch or record it again");
  return source;
}

std::unique_ptr<ByteSource> ByteSource::of(io::Bytes bytes, std::string name) {
  if (bytes.empty())
    throw UserError(name, "expected audio, got no bytes", "fetch or record it again");
  return std::unique_ptr<ByteSource>(new ByteSource(-1, bytes, std::move(name)));
}

ByteSource::ByteSource(int descriptor, io::Bytes bytes, std::string name)
    : descriptor_(descriptor),
      bytes_(bytes),
      size_(static_cast<int64_t>(bytes.size())),
      name_(std::move(name)) {
  auto* buffer = static_cast<unsigned char*>(av_malloc(kBufferBytes));
  OTO_ASSERT(buffer != nullptr);
  context_ = avio_alloc_context(buffer, kBufferBytes, 0, this, &read, nullptr, &seek);
  OTO_ASSERT(context_ != nullptr);
}

ByteSource::~ByteSource() {
  if (context_ != nullptr) av_freep(&context_->buffer);
  avio_context_free(&context_);
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool ByteSource::peek(int64_t offset, void* buffer, size_t size) const {
  if (offset < 0 || offset > size_ || size_ - offset < static_cast<int64_t>(size)) return false;
  if (descriptor_ >= 0)
    return ::pread(descriptor_, buffer, size, offset) == static_cast<ssize_t>(size);
  std::memcpy(buffer, bytes_.data() + offset, size);
  return true;
}

int ByteSource::read(void* self, uint8_t* buffer, int size) {
  auto& source = *static_cast<ByteSource*>(self);
  if (source.position_ >= source.size_) return AVERROR_EOF;
  const auto wanted = static_cast<size_t>(std::min<int64_t>(size, source.size_ - source.position_));
  ssize_t got = static_cast<ssize_t>(wanted);
  if (source.descriptor_ < 0)
    std::memcpy(buffer, source.bytes_.data() + source.position_, wanted);
  else
    do got = ::pread(source.descriptor_, buffer, wanted, source.position_);
    while (got < 0 && errno == EINTR);
  if (got < 0) return AVERROR(errno);
  if (got == 0) return AVERROR_EOF;
  source.position_ += got;
  return static_cast<int>(got);
}

int64_t ByteSource::seek(void* self, int64_t offset, int whence) {
  auto& source = *static_cast<ByteSource*>(self);
  whence &= ~AVSEEK_FORCE;
  if (whence == AVSEEK_SIZE) return source.size_;
  int64_t from = 0;
  if (whence == SEEK_CUR) from = source.position_;
  if (whence == SEEK_END) from = source.size_;
  int64_t target = 0;
  if (__builtin_add_overflow(from, offset, &target) || target < 0) return AVERROR(EINVAL);
  return source.position_ = target;
}

}  // namespace otoscope::audio
