#pragma once
/// NumPy's .npy, versions 1 to 3: numbers of any order and byte order, never objects or records.

#include <cstdint>
#include <filesystem>
#include <string_view>

#include "otoscope/core/tensor.h"
#include "otoscope/io/file.h"
#include "otoscope/io/safetensors.h"

namespace otoscope::io {

struct NpyInfo {
  Dtype dtype{};
  Shape shape;
  bool fortran = false;  // the first index is the fastest
  bool swapped = false;  // big-endian numbers
  Bytes bytes;           // may be unaligned: copy with memcpy
};

/// Checks a header against the bytes behind it. Exposed for tests and fuzzing.
NpyInfo parse_npy(Bytes file, std::string_view where);

/// A mapped file.
class Npy {
 public:
  static Npy open(const std::filesystem::path& path);

  const NpyInfo& info() const { return info_; }
  const Shape& shape() const { return info_.shape; }
  const std::filesystem::path& path() const { return file_.path(); }

  /// f2, f4 or f8 as fp32, row-major whatever the file's order.
  Tensor<float> floats() const;
  /// Any integer dtype as int64, row-major.
  Tensor<int64_t> integers() const;

 private:
  MappedFile file_;
  NpyInfo info_;
};

/// '<f4', C order, version 1; the data begins at a multiple of 64.
void write_npy(const std::filesystem::path& path, View<const float> x);

}  // namespace otoscope::io
