#pragma once
/// Foreign bytes for FFmpeg's demuxers. They never open anything themselves: a playlist that names
/// other files or hosts gets nothing, and a path that looks like a URL is still a path.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "otoscope/io/file.h"

struct AVIOContext;

namespace otoscope::audio {

class ByteSource {
 public:
  /// Missing, a folder or empty: UserError.
  static std::unique_ptr<ByteSource> open(const std::filesystem::path& path);
  /// Borrows `bytes`; `name` stands in messages and its extension helps to recognise the format.
  static std::unique_ptr<ByteSource> of(io::Bytes bytes, std::string name);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  const std::string& name() const { return name_; }
  /// Bytes [offset, offset + size) without moving the demuxer's position; false if not all there.
  bool peek(int64_t offset, void* buffer, size_t size) const;
  AVIOContext* context() const { return context_; }

 private:
  ByteSource(int descriptor, io::Bytes bytes, std::string name);
  static int read(void* self, uint8_t* buffer, int size);
  static int64_t seek(void* self, int64_t offset, int whence);

  int descriptor_;
  io::Bytes bytes_;
  int64_t size_ = 0, position_ = 0;
  std::string name_;
  AVIOContext* context_ = nullptr;
};

}  // namespace otoscope::audio
