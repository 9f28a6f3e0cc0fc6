#pragma once
/// safetensors: u64 N, N bytes of JSON, data. The reader enforces every rule of the format before a
/// byte is used; the writer is byte-deterministic.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/core/tensor.h"
#include "otoscope/io/file.h"

namespace otoscope::io {

enum class Dtype { f32, f16, bf16, f64, i64, i32, i16, i8, u8, boolean, u16, u32, u64 };
int64_t dtype_bytes(Dtype dtype);
std::string_view dtype_name(Dtype dtype);  // "F32"

struct TensorInfo {
  Dtype dtype{};
  Shape shape;
  Bytes bytes;  // may be unaligned: copy with memcpy
};

/// Checks a header against the bytes behind it. Exposed for tests and fuzzing.
std::map<std::string, TensorInfo> parse_safetensors(
    Bytes file, std::string_view where, std::map<std::string, std::string>* metadata = nullptr);

/// A mapped file. Reading converts to what is asked for.
class Safetensors {
 public:
  static Safetensors open(const std::filesystem::path& path);

  std::vector<std::string> names() const;
  bool has(std::string_view name) const;
  const TensorInfo& info(std::string_view name) const;  // UserError with nearest names if absent
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::filesystem::path& path() const { return file_.path(); }

  /// F32, F16, BF16 or F64 as fp32.
  Tensor<float> floats(std::string_view name) const;
  /// Any integer dtype as int64.
  Tensor<int64_t> integers(std::string_view name) const;
  /// The same, but the shape must be this one.
  Tensor<float> floats(std::string_view name, const Shape& expected) const;

 private:
  MappedFile file_;
  std::map<std::string, TensorInfo> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// A tensor to be written: borrows its bytes.
struct NamedTensor {
  std::string name;
  Dtype dtype;
  Shape shape;
  Bytes bytes;
};
NamedTensor named(std::string name, View<const float> x);
NamedTensor named(std::string name, View<const int32_t> x);
NamedTensor named(std::string name, View<const int64_t> x);
NamedTensor named(std::string name, View<const int16_t> x);
NamedTensor named(std::string name, View<const uint8_t> x);
/// bits of f16 values
NamedTensor named_f16(std::string name, Shape shape, const uint16_t* bits);

/// Widest dtype first, then by name; header padded to 8 bytes. Returns the SHA-256 of the file.
std::string write_safetensors(const std::filesystem::path& path, std::vector<NamedTensor> tensors,
                              const std::map<std::string, std::string>& metadata = {});

}  // namespace otoscope::io
