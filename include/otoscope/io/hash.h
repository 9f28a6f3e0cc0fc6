#pragma once
/// SHA-256 (FIPS 180-4, by libcrypto), in lower-case hexadecimal.

#include <filesystem>
#include <memory>
#include <string>

#include "otoscope/io/file.h"

namespace otoscope::io {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(Bytes bytes);
  void update(std::string_view text) { update(std::as_bytes(std::span(text))); }
  /// 64 hexadecimal digits. Ends the hash.
  std::string hex();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

std::string sha256(Bytes bytes);
inline std::string sha256(std::string_view text) { return sha256(std::as_bytes(std::span(text))); }
std::string sha256_file(const std::filesystem::path& path);

}  // namespace otoscope::io
