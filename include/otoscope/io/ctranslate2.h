#pragma once
/// CTranslate2's model.bin, binary versions 1 to 6 (formats.md §1.7): named variables and aliases;
/// read, and written as version 6.

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "otoscope/core/tensor.h"
#include "otoscope/io/file.h"
#include "otoscope/io/safetensors.h"

namespace otoscope::io {

struct Ct2Contents {
  uint32_t version = 0, revision = 0;
  std::string spec;  // "WhisperSpec"; empty before version 2
  std::map<std::string, TensorInfo> variables;
  std::map<std::string, std::string> aliases;  // alias -> variable
};

/// Checks a whole file. Exposed for tests and fuzzing.
Ct2Contents parse_ctranslate2(Bytes file, std::string_view where);

/// An opened model. Names may be variables or aliases everywhere.
class CTranslate2 {
 public:
  /// A folder with model.bin (or its parts model.bin.part1, .part2 …), or the file itself.
  static CTranslate2 open(const std::filesystem::path& path);

  uint32_t version() const { return contents_.version; }
  uint32_t revision() const { return contents_.revision; }
  const std::string& spec() const { return contents_.spec; }
  const std::filesystem::path& path() const { return path_; }
  /// The variables, without the aliases.
  std::vector<std::string> names() const;
  bool has(std::string_view name) const;
  const TensorInfo& info(std::string_view name) const;  // UserError with nearest names if absent

  /// f32, f16, bf16; i8 and i16 divided by the variable NAME_scale (one a row, or one).
  Tensor<float> floats(std::string_view name) const;
  Tensor<float> floats(std::string_view name, const Shape& expected) const;
  /// A variable of one integer (num_heads, activation, …).
  int64_t scalar(std::string_view name) const;
  /// SHA-256 of the file (of the joined parts).
  std::string sha256() const;

 private:
  std::string resolved(std::string_view name) const;
  Bytes bytes() const {
    return joined_.empty() ? file_.bytes() : std::as_bytes(std::span(joined_));
  }

  std::filesystem::path path_;
  MappedFile file_;
  std::string joined_;  // where the file comes in parts
  Ct2Contents contents_;
};

/// Writes binary version 6, as CTranslate2's own converter does: variables in byte order of name,
/// an array that equals one before it (dtype, shape and bytes) stored once and aliased, and
/// `aliases` besides. Returns the SHA-256 of the file. A variable of 4 GiB or more does not fit the
/// format: UserError.
std::string write_ctranslate2(const std::filesystem::path& path, std::string_view spec,
                              uint32_t revision, std::vector<NamedTensor> variables,
                              std::map<std::string, std::string> aliases = {});

}  // namespace otoscope::io
